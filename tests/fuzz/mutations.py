"""Damage to files: the same for the same seed.

Each function yields names and contents. ``damaged`` puts what fits a kind of file into one stream.
"""

import copy
import io
import json
import os
import random
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

Damage = tuple[str, bytes]

#: Values of a wrong type or out of range, for nodes of JSON and YAML.
ODD_VALUES = (
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        float('nan'),
        float('inf'),
        '',
        'x',
        '../../x',
        '/etc/passwd',
    ),
    *('\x00', 'é\u202e', [], {}, [[]], {'a': {}}, [1, 'a', None], {'': ''}, '9' * 5000),
)
#: Damage to the text of a list: words that are put in the place of another one.
ODD_WORDS = (
    *('', '-1', '99', '1e9', 'nan', '9' * 5000, '../../x', '/etc/passwd', '\x00', '"', ',', '#'),
    *('é', '\u202e', '\x1b[2J', 'a' * 70000, ';', '|', '0 0 0', 'True', '٣', '\t', '\r\n\r\n'),
)


def of_bytes(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """Bytes cut off, turned, zeroed, repeated, put in, and files of another kind; without end."""
    yield 'empty', b''
    yield 'web page', b'<!DOCTYPE html><html><body>404 Not Found</body></html>'
    yield 'zeros', bytes(len(data))
    yield 'garbage after it', data + rng.randbytes(100)
    yield 'UTF-16', b'\xff\xfe' + data[:200]
    while True:
        start = rng.randrange(max(len(data), 1))
        end = start + rng.choice((1, 2, 8, 100))
        yield f'cut at {start}', data[:start]
        yield f'zero bytes {start}-{end}', data[:start] + bytes(end - start) + data[end:]
        noise = rng.randbytes(end - start)
        yield f'other bytes {start}-{end}', data[:start] + noise + data[end:]
        yield f'{end - start} bytes put in at {start}', data[:start] + noise + data[start:]
        yield f'bytes {start}-{end} left out', data[:start] + data[end:]
        flipped = bytearray(data)
        for _ in range(rng.choice((1, 3, 10))):
            if flipped:
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        yield 'bits flipped', bytes(flipped)


def of_text(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """Words of a text replaced."""
    text = data.decode()
    while True:
        start = rng.randrange(len(text))
        end = start + rng.choice((0, 1, 3, 10))
        word = rng.choice(ODD_WORDS)
        yield f'{word[:20]!r} at {start}', f'{text[:start]}{word}{text[end:]}'.encode()


def of_json(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """Nodes replaced, left out or added; nested too deeply."""
    yield 'nested', b'[' * 100_000
    yield 'nested objects', b'{"a":' * 100_000
    yield 'many digits', b'[' + b'9' * 5000 + b']'
    for name, content in of_tree(json.loads(data), rng):
        yield name, json.dumps(content).encode()


def of_yaml(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """As of JSON; and with references that multiply."""
    references = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    references += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 10)]
    bomb = '\n'.join(references)
    yield 'alias bomb', bomb.encode()
    yield 'alias bomb after it', data + b'\n' + bomb.encode() + b'\n'
    yield 'alias bomb as keys', (bomb + '\n? *a9\n: x').encode()
    merges = 'b0: &b0 {x: 1}\n' + '\n'.join(
        f'b{n}: &b{n} {{<<: [{", ".join([f"*b{n - 1}"] * 10)}]}}' for n in range(1, 8)
    )
    yield 'alias bomb as value', ('x:\n' + bomb).replace('\n', '\n  ').encode()
    yield 'merge bomb', merges.encode()
    yield 'reference to itself', b'a: &a {b: *a}'
    yield 'reference to itself in a list', b'a: {b: &a [*a]}'
    yield 'Python', b'!!python/object/apply:os.system ["true"]'
    yield 'nested', b'[' * 3000
    yield 'nested maps', b'{a: ' * 3000
    yield 'date', b'a: {2001-01-01: 2001-01-01}'
    yield 'keys of all types', b'{1: {2: 3}, null: {null: null}, [1]: {}, 1.5: {}}'
    for name, content in of_tree(yaml.safe_load(data), rng):
        yield name, yaml.safe_dump(content).encode()


def of_tree(tree: Any, rng: random.Random) -> Iterator[tuple[str, Any]]:
    """Copies of nested dicts and lists with one node replaced, left out or added."""
    places = list(_places(tree))
    while True:
        changed = copy.deepcopy(tree)
        place, value = rng.choice(places), rng.choice(ODD_VALUES)
        if not place:
            yield f'all is {value!r:.20}', value
            continue
        *path, last = place
        parent = changed
        for key in path:
            parent = parent[key]
        what = rng.choice(('replaced', 'replaced', 'replaced', 'left out', 'added'))
        if what == 'replaced':
            parent[last] = value
        elif what == 'left out':
            del parent[last]
        elif isinstance(parent, list):
            parent.insert(last, value)
        else:
            parent[f'{last}_'] = value
        yield f'{what} {"/".join(map(str, place))} {value!r:.20}', changed


def _places(tree: Any, path: tuple = ()) -> Iterator[tuple]:
    yield path
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _places(value, (*path, key))


def of_picture(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """Pictures with the header of large ones, of other modes, sizes and formats."""
    for width, height in ((20_000, 10_000), (2**31 - 1, 1), (70_000, 70_000), (12_000, 12_000)):
        yield f'PNG header of {width} x {height}', png_with_size(data, width, height)
    picture = Image.open(io.BytesIO(data))
    picture.load()
    for mode in ('1', 'L', 'P', 'LA', 'RGB', 'RGBA', 'I;16', 'I', 'F', 'CMYK', 'YCbCr', 'HSV'):
        for kind in ('PNG', 'TIFF', 'GIF', 'BMP', 'JPEG', 'WEBP'):
            try:
                yield f'{kind} of mode {mode}', saved(picture.convert(mode), kind)
            except (OSError, ValueError, KeyError):
                continue  # the format has no such mode
    for size in ((1, 1), (1, 5000), (5000, 1), (picture.width + 1, picture.height)):
        yield f'size {size}', saved(picture.resize(size), 'PNG')
    exif = Image.Exif()
    exif[0x112] = 6
    yield 'turned', saved(picture.convert('RGB'), 'JPEG', exif=exif)
    frames = [picture.convert('L'), picture.convert('L').rotate(90)]
    yield 'animated', saved(frames[0], 'PNG', save_all=True, append_images=frames[1:])
    text = zlib.compress(bytes(2**27))
    chunk = b'zTXt' + b'mmdrs\0\0' + text
    png = saved(picture.convert('L'), 'PNG')
    bomb = len(chunk[4:]).to_bytes(4, 'big') + chunk + zlib.crc32(chunk).to_bytes(4, 'big')
    yield 'text bomb', png[:33] + bomb + png[33:]
    yield 'values of 200', saved(Image.new('L', picture.size, 200), 'PNG')


def png_with_size(data: bytes, width: int, height: int) -> bytes:
    """A picture as PNG whose header gives another size."""
    png = bytearray(saved(Image.open(io.BytesIO(data)), 'PNG'))
    png[16:24] = width.to_bytes(4, 'big') + height.to_bytes(4, 'big')
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, 'big')
    return bytes(png)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture in a file format."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def of_arrays(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """``.npz`` files with arrays left out, or of other values, shapes and types."""
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    huge = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }"
    header = (huge % b'9999999999').ljust(127) + b'\n'
    for name in arrays:
        others = {key: value for key, value in arrays.items() if key != name}
        yield f'{name} left out', _npz(others)
        yield f'{name}: huge', _npz(others, {f'{name}.npy': header})
        yield f'{name}: pickled', _npz({**others, name: np.array([{}], object)})
        for value in (np.nan, np.inf, -1, -7.5, 254, 2**40, 'x', '[]', '{"a"', b'\xff', 1j):
            yield f'{name}: {value!r}', _npz({**others, name: np.array(value)})
            yield f'{name}: [{value!r}]', _npz({**others, name: np.array([value])})
            yield f'{name}: full of {value!r}', _npz({**others, name: _full(arrays[name], value)})
        for shape in ((0,), (0, 0, 0), (2, 3), (1, 2, 3, 4)):
            yield f'{name}: {shape}', _npz({**others, name: np.zeros(shape, np.uint8)})
    yield 'too large when unpacked', _npz(arrays, {'more.npy': bytes(2**24)})


def _full(like: np.ndarray, value: Any) -> np.ndarray:
    return np.full(like.shape, value)


def _npz(arrays: dict[str, np.ndarray], members: dict[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    with zipfile.ZipFile(file, 'a') as archive:
        for name, content in (members or {}).items():
            archive.writestr(name, content)
    return file.getvalue()


def of_settings(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """Settings with values of a wrong type: the last line counts."""
    keys = re.findall(r'^(\w+) = ', data.decode(), re.MULTILINE)
    for key in keys:
        for value in ("float('nan')", '-1', '"x"', '[]', 'dict(a=dict())', 'print', '10**30'):
            yield f'{key} = {value}', data + f'\n{key} = {value}\n'.encode()


def of_tar(data: bytes, rng: random.Random) -> Iterator[Damage]:
    """Archives with members that lead outside, links, devices, and sizes that are not there."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [
            (info, archive.extractfile(info).read() if info.isreg() else b'') for info in archive
        ]
    names = ('/etc/x', '../../x', 'a/../../x', 'C:/x', 'x\ny', '\udcff', '', '.', 'é' * 3000)
    kinds = (
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE),
        *(tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, b'z'),
    )
    for number, (info, content) in enumerate(members):
        for name in names:
            yield f'member {name!r:.20}', _tar(members, number, info.replace(name=name), content)
        for kind in kinds:
            odd = copy.copy(info)
            odd.type, odd.linkname, odd.size = kind, '../../../x', 0
            yield f'member of type {kind!r}', _tar(members, number, odd, b'')
        for size in (20 * 2**30, -1 % 2**33):
            odd = copy.copy(info)
            odd.size = size
            yield f'member of {size} bytes', _tar(members, number, odd, content)


def _tar(members: list, number: int, info: tarfile.TarInfo, content: bytes) -> bytes:
    file = io.BytesIO()
    for place, (own, own_content) in enumerate(members):
        header, body = (info, content) if place == number else (own, own_content)
        file.write(header.tobuf(errors='surrogateescape'))
        file.write(body + bytes(-len(body) % tarfile.BLOCKSIZE))
    return file.getvalue() + bytes(2 * tarfile.BLOCKSIZE)


KINDS: dict[str, Callable[[bytes, random.Random], Iterator[Damage]]] = dict(
    text=of_text,
    json=of_json,
    yaml=of_yaml,
    picture=of_picture,
    arrays=of_arrays,
    tar=of_tar,
    settings=of_settings,
)


def damaged(data: bytes, kind: str, number: int, seed: int = 0) -> Iterator[Damage]:
    """``number`` damaged versions: half of the kind, in any order, half of any bytes."""
    rng = random.Random(seed)
    special: list[Damage] = []
    if kind != 'bytes':
        special = list(islice(KINDS[kind](data, rng), 4 * number))
        fixed, rest = special[:12], special[12:]
        special = [*fixed, *rng.sample(rest, len(rest))]
    streams = chain(islice(special, number // 2), of_bytes(data, rng))
    return islice(streams, number)


def odd_files(path: Path) -> Iterator[str]:
    """Put what is no regular file at a path, one after the other, and say what it is."""
    for what, make in (
        ('nothing', lambda: None),
        ('a folder', path.mkdir),
        ('a pipe', lambda: os.mkfifo(path)),
        ('a link to nothing', lambda: path.symlink_to('nowhere')),
        ('a link to itself', lambda: path.symlink_to(path.name)),
        ('a link to /dev/zero', lambda: path.symlink_to('/dev/zero')),
        ('a link to /dev/null', lambda: path.symlink_to('/dev/null')),
    ):
        make()
        yield what
        if path.is_symlink() or path.exists():
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
