"""Set-up commands told by a project's files."""

from pathlib import Path

from roadworthy.source.setup import find_setup

PYTHON = Path("/srv/app/.venv/bin/python")


def test_alembic_is_run_with_the_interpreter_of_the_target(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\n")
    (found,) = find_setup(tmp_path, PYTHON)
    assert found.command == (str(PYTHON), "-m", "alembic", "upgrade", "head")
    assert "alembic.ini" in found.origin


def test_django_migrates_and_another_manage_py_does_not(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("print('of something else')\n")
    assert find_setup(tmp_path, PYTHON) == ()
    (tmp_path / "manage.py").write_text("from django.core.management import execute_from_command_line\n")
    assert [each.command for each in find_setup(tmp_path, PYTHON)] == [
        (str(PYTHON), "manage.py", "migrate", "--noinput")
    ]


def test_prisma_migrates_with_its_own_program(tmp_path: Path) -> None:
    (tmp_path / "prisma" / "migrations").mkdir(parents=True)
    assert find_setup(tmp_path, None) == ()
    prisma = tmp_path / "node_modules" / ".bin" / "prisma"
    prisma.parent.mkdir(parents=True)
    prisma.touch()
    assert [each.command for each in find_setup(tmp_path, None)] == [(str(prisma), "migrate", "deploy")]


def test_a_plain_folder_needs_no_setup(tmp_path: Path) -> None:
    assert find_setup(tmp_path, PYTHON) == ()
