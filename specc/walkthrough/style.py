"""What the page about a window looks like."""

STYLE = """
.controls { display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: center;
  margin: .75rem 0 }
.controls label { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center }
select, button { font: inherit; color: var(--ink); background: var(--box);
  border: 1px solid var(--rim); border-radius: .4rem; padding: .35rem .7rem; min-height: 2.5rem }
select { max-width: 100% } button { cursor: pointer }
input[type=range] { flex: 1 1 12rem; accent-color: var(--accent); min-height: 2.5rem }
.grids { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; margin: .75rem 0 }
.grids figure { margin: 0 } .grids figcaption { margin-bottom: .25rem }
.grid { display: grid; grid-template-columns: repeat(var(--n), var(--cell)); gap: 1px;
  --cell: min(1.9rem, calc((100vw - 3rem - var(--n) * 1px) / var(--n)));
  font-size: calc(var(--cell) * .38); font-variant-numeric: tabular-nums; line-height: 1 }
.grid span { height: var(--cell); display: flex; align-items: center; justify-content: center;
  border-radius: 2px; outline-offset: -2px; color: #000 }
.grid span { box-shadow: inset 0 0 0 1px var(--rim) }
.grid .pad { background: var(--paper) !important; color: var(--dim) !important; box-shadow: none;
  outline: 1px dashed var(--dim) } .grid .in { outline: 3px solid var(--bad) }
.grid .off { background: transparent !important; color: var(--dim) }
.grid .light { color: #fff } .out span { cursor: pointer }
.sum { background: var(--box); border: 1px solid var(--rim); border-radius: .5rem;
  padding: .6rem .8rem; overflow-x: auto; font-size: .9rem; font-variant-numeric: tabular-nums;
  min-height: 9rem }
.sum p { margin: .2rem 0; max-width: none }
.arrows { display: grid; grid-template-columns: repeat(3, 3rem); gap: .25rem }
.arrows button { padding: .2rem } .arrows .up { grid-column: 2 } .arrows .left { grid-column: 1 }
pre { background: var(--box); border: 1px solid var(--rim); border-radius: .5rem;
  padding: .6rem .8rem; overflow-x: auto; font-size: .85rem }
"""
