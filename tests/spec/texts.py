"""Specs as people write them: random texts that are valid by construction, comments included."""

import random

FIELDS = {
    "dense": [
        "units: {n}",
        "activation: relu",
        "use_bias: false",
        "kernel_regularizer: {{l2: 1e-3}}",
    ],
    "conv1d": ["filters: {n}", "kernel_size: 1", "activation: 'relu'", "strides: [1]"],
    "dropout": ["rate: 0.25"],
    "activation": ["activation: tanh"],
    "batch_normalization": ["momentum: 0.9", "epsilon: 0.001"],
    "flatten": [],
    "identity": [],
}
NEEDED = {"dense": 1, "conv1d": 2, "dropout": 1, "activation": 1}


def spec_text(seed):
    """A valid spec with layers in every style, comments everywhere and keys in any order."""
    rng = random.Random(seed)
    sections = [
        _line(rng, "specc: 1"),
        _line(rng, rng.choice([f"name: model_{seed}", 'name: "a # b"', "name: 'a\n  # b'"])),
        rng.choice(["inputs: {x: [4, 3]}", "inputs:\n    x:\n        [4,\n         3]"]),
        _layers(rng),
        _train(rng),
        rng.choice(["data: {dataset: digits}", "data:\n  dataset:\n    npz: {path: a.npz}"]),
        _blocks(rng),
    ]
    rng.shuffle(sections)
    parts = [comment + section for section in sections for comment in [_comments(rng, "")]]
    return "\n".join([*parts, rng.choice(["", "# the end", "  # further in", "\n\n"])]) + "\n"


def _comments(rng, indent):
    lines = [rng.choice(["# a", "#", "# ${x}: [", ""]) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    return "".join(f"{indent}{line}\n" if line else "\n" for line in lines)


def _line(rng, text):
    return text + rng.choice(["", "", "", " # behind", "    # further behind", "  #"])


def _train(rng):
    if rng.random() < 0.3:
        return "train: {loss: mse, metrics: [mae], epochs: 2}"
    keys = [
        "loss: mse",
        "epochs: 2",
        "optimizer: {adam: {learning_rate: 1e-3}}",
        "metrics:\n  - mae",
    ]
    rng.shuffle(keys)
    lines = [_line(rng, key) if "\n" not in key else key.replace("\n", "\n  ") for key in keys]
    start = "train:" + rng.choice(["", " # head"])
    return "\n".join([start, *(f"{_comments(rng, '  ')}  {line}" for line in lines)])


def _blocks(rng):
    return (
        "blocks:\n  pair:\n"
        + _comments(rng, "    ")
        + _line(rng, "    args: {units: null, act: relu}")
        + '\n    layers:\n      - dense: {units: "${units}", activation: "${act}"}\n'
        + _comments(rng, "      ")
        + _line(rng, "      - dropout: {rate: 0.5}")
    )


def _layers(rng):
    indent = rng.choice(["", "  ", "    "])
    entries = [_entry(rng, indent, i) for i in range(rng.randint(1, 6))]
    return _line(rng, "layers:") + "\n" + "\n".join(entries)


def _entry(rng, indent, number):
    if rng.random() < 0.2:
        return f"{indent}- pair: {rng.choice(['3', '{units: 4}', '{units: 4, act: tanh}'])}"
    kind = rng.choice(list(FIELDS))
    fields = [field.format(n=rng.randint(1, 9)) for field in FIELDS[kind]]
    fields = fields[: rng.randint(NEEDED.get(kind, 0), len(fields))]
    start, more = f"{indent}- ", indent + "  "
    beside = rng.choice(["", "", f"name: n{number}", "repeat: 2"])
    if not fields and not beside:
        text = start + rng.choice([kind, f"{kind}:", f"{kind}: {{}}"])
    elif rng.random() < 0.3:
        inner = f"{kind}: {{{', '.join(fields)}}}" + (f", {beside}" if beside else "")
        return _comments(rng, indent) + start + "{" + inner + "}"
    elif rng.random() < 0.5 and fields:
        block = "".join(f"\n{more}  {_line(rng, field)}" for field in fields)
        text = start + f"{kind}:" + block + (f"\n{more}{beside}" if beside else "")
        return _comments(rng, indent) + text
    else:
        text = start + f"{kind}: {{{', '.join(fields)}}}" + (f"\n{more}{beside}" if beside else "")
    return _comments(rng, indent) + _line(rng, text)
