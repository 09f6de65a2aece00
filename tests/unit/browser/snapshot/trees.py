"""Snapshots drawn by lot, as Hypothesis strategies."""

from hypothesis import strategies as st

names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=6)


@st.composite
def snapshots(draw: st.DrawFn, max_lines: int = 25) -> list[str]:
    """Lines whose depth grows by at most one, some with refs, which differ."""
    lines: list[str] = []
    depth = -1
    refs = iter(draw(st.permutations(range(max_lines))))
    for _ in range(draw(st.integers(0, max_lines))):
        depth = draw(st.integers(0, depth + 1))
        name = draw(names).replace('"', "").replace("\\", "")
        if draw(st.booleans()):
            lines.append(f'{"  " * depth}- button "{name}" [ref=abcd{next(refs)}]')
        else:
            lines.append(f"{'  ' * depth}- text: {name}")
    return lines
