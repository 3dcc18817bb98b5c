"""What the documents say of the tests."""

import re

from tests.pipeline_runs import ROOT


def test_every_row_of_the_reliability_table_names_a_test() -> None:
    text = (ROOT / 'docs' / 'reliability.md').read_text(encoding='utf-8')
    rows = [line for line in text.splitlines() if re.match(r'\| (?!what was done|-)', line)]
    names = [name for row in rows for name in re.findall(r'`(\w+)`', row.split('|')[-2])]
    assert len(rows) > 30 and len(names) >= len(rows)
    files = list((ROOT / 'tests').rglob('test_*.py'))
    tests = [name for file in files for name in re.findall(r'def (test_\w+)', file.read_text())]
    known = ' '.join([*tests, *(str(file.relative_to(ROOT)) for file in files)])
    assert [name for name in names if name not in known] == []
