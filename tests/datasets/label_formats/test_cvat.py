"""CVAT for images 1.1."""

import pytest

from mmdrs.errors import InputError

#: As CVAT's export of a task writes it.
XML = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>7</id>
      <name>pets</name>
      <size>3</size>
      <mode>annotation</mode>
      <labels>
        <label>
          <name>dog</name>
          <color>#fa3253</color>
          <type>any</type>
          <attributes>
          </attributes>
        </label>
        <label>
          <name>potted plant</name>
          <color>#33ddff</color>
          <type>any</type>
          <attributes>
          </attributes>
        </label>
        <label>
          <name>cat</name>
          <color>#24b353</color>
          <type>tag</type>
          <attributes>
          </attributes>
        </label>
      </labels>
    </task>
    <dumped>2024-05-01 10:00:00.000000+00:00</dumped>
  </meta>
  <image id="0" name="day one/IMG 1.jpg" width="640" height="480">
    <box label="dog" source="manual" occluded="0" xtl="1.0" ytl="2.0" xbr="9.0" ybr="9.0">
      <attribute name="tail">yes</attribute>
    </box>
    <polygon label="potted plant" source="manual" occluded="0" points="1,2;3,4;5,6" z_order="0">
    </polygon>
  </image>
  <image id="1" name="2.png" width="640" height="480">
    <tag label="cat" source="manual">
    </tag>
  </image>
  <image id="2" name="3.jpg" width="640" height="480">
  </image>
</annotations>
"""


def test_shapes_and_tags(files, detected) -> None:
    root = files({'annotations.xml': XML, 'images/2.png': b''})
    images = {'day one/IMG 1.jpg': ('dog', 'potted plant'), '2.png': ('cat',), '3.jpg': ()}
    expected = 'cvat', (images, ('dog', 'potted plant', 'cat'))
    assert detected(root) == detected(root / 'annotations.xml') == expected


def test_wrong_files(files, detected) -> None:
    bomb = '<!DOCTYPE annotations [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>'
    root = files({'a.xml': XML.replace('<annotations>', bomb + '<annotations>')})
    with pytest.raises(InputError, match=r'a\.xml .*a DOCTYPE is not allowed'):
        detected(root)
    files({'a.xml': '<annotations><track id="0" label="cat"></track></annotations>'})
    with pytest.raises(InputError, match=r"a\.xml: is of a video; export it as 'CVAT for images"):
        detected(root)
    files({'a.xml': XML.replace(' name="2.png"', '')})
    with pytest.raises(InputError, match=r'a\.xml, image 1 .*: has no name'):
        detected(root)
