"""The command line of tools/analysis_tools/voc_submission.py."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pipeline_runs import load_tool

IDS = ('2008_000001', '2008_000004')


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two images of 6 x 4 (width x height), their predictions, and the list."""
    for folder in ('images', 'predictions'):
        (tmp_path / folder).mkdir()
    for name in IDS:
        Image.new('RGB', (6, 4)).save(tmp_path / 'images' / f'{name}.jpg')
        Image.new('L', (6, 4), 20).save(tmp_path / 'predictions' / f'{name}.png')
    (tmp_path / 'test.txt').write_text('\n'.join(IDS) + '\n')
    return tmp_path


def arguments(data: Path, command: str, *paths: str) -> list[str]:
    given = [command, *(str(data / path) for path in paths)]
    return [*given, '--images', str(data / 'images'), '--list', str(data / 'test.txt')]


def test_pack_and_check(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = load_tool('analysis_tools/voc_submission').main
    Image.new('L', (6, 4)).save(data / 'predictions' / '2007_000027.png')
    out = data / 'out.tar.gz'
    note = f'note: the test set of VOC 2012 has 1,456 images, {data / "test.txt"} 2'
    main(arguments(data, 'pack', 'predictions', 'out.tar.gz'))
    assert capsys.readouterr().out.splitlines() == [
        '  sizes: 2/2  left 0:00:00',
        '  pack: 2/2  left 0:00:00',
        '  check: 2/2  left 0:00:00',
        f'note: 1 other PNG files of {data / "predictions"} were left out',
        f'{out}: 2 files, packed and checked for comp6',
        note,
    ]
    main(arguments(data, 'check', 'out.tar.gz'))
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f'{out}: 2 files, all right for comp6',
        note,
    ]
    main(['check', str(out), '--list', str(data / 'test.txt')])
    assert 'comp6; sizes were not checked, that needs --images\n' in capsys.readouterr().out
    with pytest.raises(
        SystemExit,
        match=r'^error: .*out\.tar\.gz: 2 faults\n  made for comp6; give',
    ):
        main([*arguments(data, 'check', 'out.tar.gz'), '--challenge', 'comp5'])


def test_full_test_set_is_one_line_without_a_note(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = load_tool('analysis_tools/voc_submission')
    monkeypatch.setattr(tool, 'TEST_IMAGES', len(IDS))
    tool.main(arguments(data, 'pack', 'predictions', 'out.tgz'))
    capsys.readouterr()
    tool.main(['check', str(data / 'out.tgz'), '--list', str(data / 'test.txt')])
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if not line.startswith('  check: ')] == [
        f'{data / "out.tgz"}: 2 files, all right for comp6; '
        'sizes were not checked, that needs --images'
    ]


def test_faults_are_one_error(data: Path) -> None:
    main = load_tool('analysis_tools/voc_submission').main
    Image.fromarray(np.full((4, 6), 255, np.uint8)).save(data / 'predictions' / f'{IDS[0]}.png')
    (data / 'predictions' / f'{IDS[1]}.png').unlink()
    with pytest.raises(SystemExit, match='^error: .*: 2 faults .*; nothing was written') as error:
        main(arguments(data, 'pack', 'predictions', 'out.tgz'))
    assert isinstance(error.value.code, str)  # so that Python prints it and exits with 1
    assert f'{IDS[0]}.png: 255' in error.value.code and f'    {IDS[1]}.png' in error.value.code
    assert not (data / 'out.tgz').exists()
    for wrong in ('absent.tgz', 'test.txt'):
        with pytest.raises(SystemExit, match=f'^error: .*{wrong}'):
            main(arguments(data, 'check', wrong))


def test_help_says_which_challenge(capsys: pytest.CaptureFixture[str]) -> None:
    main = load_tool('analysis_tools/voc_submission').main
    for given in (['--help'], ['pack', '--help'], ['check', '--help']):
        with pytest.raises(SystemExit, match='^0$'):
            main(given)
        shown = ' '.join(capsys.readouterr().out.split())
        assert 'ImageNet' in shown and 'comp5' in shown and 'comp6' in shown


def test_pack_needs_images(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = load_tool('analysis_tools/voc_submission').main
    with pytest.raises(SystemExit, match='^2$'):
        main(['pack', str(data), str(data / 'o.tgz'), '--list', str(data / 'test.txt')])
    assert '--images' in capsys.readouterr().err


def test_check_needs_nothing_but_the_archive(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the README calls it; what is missing cannot be known then."""
    main = load_tool('analysis_tools/voc_submission').main
    out = str(data / 'out.tgz')
    main(arguments(data, 'pack', 'predictions', 'out.tgz'))
    capsys.readouterr()
    main(['check', out])
    shown = capsys.readouterr().out
    assert f'{out}: 2 files, all right for comp6; whether images are missing was not' in shown
    assert f'has 1,456 images, {out} 2' in shown
    with pytest.raises(SystemExit, match='made for comp6; give'):
        main(['check', out, '--challenge', 'comp5'])
