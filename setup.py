"""Maps the rooms of the repository onto the package `headrace`; see pyproject.toml for the rest."""

from setuptools import find_packages, setup

ROOMS = ("engine", "layers", "datasets", "cluster", "estimators")

# A build never goes through the links in src/headrace: it works where links are not checked out.
facade = find_packages("src", exclude=[f"headrace.{room}{rest}" for room in ROOMS for rest in ("", ".*")])
rooms = [f"headrace.{name}" for room in ROOMS for name in find_packages(".", include=[room, f"{room}.*"])]

setup(
    packages=[*facade, *rooms],
    package_dir={"": "src", **{f"headrace.{room}": room for room in ROOMS}},
)
