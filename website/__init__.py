"""What the documentation's site has beside the pages in `docs/`: those that are made from the code.

`mkdocs build` asks `website/hook.py` for them. They are not kept in the repository: there,
`specc describe` and `specc COMMAND --help` say the same.
"""
