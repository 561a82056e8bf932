"""What a request costs as the data grows."""

SIZES = (10_000, 100_000, 1_000_000)
PATHS = ("get", "page-random", "search", "start")
# How much dearer a request may be at the largest size than at the smallest.
GOALS = {"get": 1.3, "page-random": 1.3, "search": 2.0}


def table(results):
    """One row a database and path: the ratio to the limit at each size, and what it grew by. The cost
    of a request is the limit's rate over ours, so that a slower machine is not a dearer request."""
    lines = ["## Growth\n",
             f"| database, path | {' | '.join(f'{size:,}' for size in SIZES)} | cost grew | goal | met |",
             f"| --- | {' | '.join('--:' for _ in SIZES)} | --: | --: | --- |"]
    for kind in dict.fromkeys(result.kind for result in results):
        for name, goal in GOALS.items():
            ratios = [ratio(result, name) for result in results if result.kind == kind]
            grew = ratios[0] / ratios[-1] if all(ratios) else None
            lines.append(f"| {kind}, {name} | {' | '.join(f'{one:.3f}' if one else 'void' for one in ratios)} | "
                         + (f"{grew:.2f} | {goal} | {'yes' if grew <= goal else '**no**'} |" if grew
                            else f"| {goal} | **no** |"))
    return "\n".join(lines) + "\n"


def ratio(result, name):
    for _, figure in result.rows:
        if figure.name == name and not figure.problems:
            return figure.ratio
    return None
