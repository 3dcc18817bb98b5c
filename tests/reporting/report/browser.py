"""A headless Chromium driven through chromedriver's own protocol (W3C WebDriver, JSON over HTTP).

The few commands that the test needs take fewer lines than Selenium has dependencies.
"""

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')
CHROMEDRIVER = shutil.which('chromedriver')
#: Asks this machine and no proxy, whatever the environment says.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ARGUMENTS = (
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--hide-scrollbars',
)


class Browser:
    """A browser that runs.

    Args:
        address: Of chromedriver.
        profile: An empty folder for the browser's files.
    """

    def __init__(self, address: str, profile: Path) -> None:
        self.address = address
        options = dict(
            binary=CHROMIUM,
            args=[*ARGUMENTS, f'--user-data-dir={profile}'],
            perfLoggingPrefs=dict(enableNetwork=True),
        )
        wanted = {
            'goog:chromeOptions': options,
            'goog:loggingPrefs': dict(browser='ALL', performance='ALL'),
        }
        answer = self._send('/session', dict(capabilities=dict(alwaysMatch=wanted)))
        self.session = f'/session/{answer["sessionId"]}'
        self.open('about:blank')  # the start page goes on loading things for a while

    def emulate(self, width: int, height: int = 900, dark: bool = False) -> None:
        """Show pages as a screen of this width (phones: narrower than a window can be)."""
        metrics = dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self._devtools('Emulation.setDeviceMetricsOverride', metrics)
        scheme = dict(name='prefers-color-scheme', value='dark' if dark else 'light')
        self._devtools('Emulation.setEmulatedMedia', dict(features=[scheme]))

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._send(f'{self.session}/url', dict(url=url))

    def run(self, script: str, *arguments: object) -> Any:
        """What a JavaScript function body returns."""
        body = dict(script=script, args=list(arguments))
        return self._send(f'{self.session}/execute/sync', body)

    def console(self) -> list[str]:
        """What was written to the console since the last call."""
        return [entry['message'] for entry in self._log('browser')]

    def requests(self) -> list[str]:
        """The addresses of all requests since the last call, data in the page excepted."""
        messages = [json.loads(entry['message'])['message'] for entry in self._log('performance')]
        sent = [m['params'] for m in messages if m['method'] == 'Network.requestWillBeSent']
        urls = [params['request']['url'] for params in sent]
        return [url for url in urls if not url.startswith('data:')]

    def picture(self, path: Path) -> None:
        """Write a PNG of what the window shows."""
        picture = self._send(f'{self.session}/screenshot', method='GET')
        path.write_bytes(base64.b64decode(picture))

    def close(self) -> None:
        """End the browser."""
        self._send(self.session, method='DELETE')

    def _log(self, kind: str) -> list[dict]:
        return self._send(f'{self.session}/se/log', dict(type=kind))

    def _devtools(self, command: str, parameters: dict) -> None:
        self._send(f'{self.session}/goog/cdp/execute', dict(cmd=command, params=parameters))

    def _send(self, path: str, body: dict | None = None, method: str = 'POST') -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {'Content-Type': 'application/json'}
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with OPENER.open(request, timeout=60) as reply:
                return json.load(reply)['value']
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)['value']['message']) from error


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Run a browser.

    Args:
        folder: An empty folder for its files.

    Raises:
        RuntimeError: If chromedriver does not come up.
    """
    log = folder / 'chromedriver.log'
    with log.open('w') as file:
        driver = subprocess.Popen(
            [CHROMEDRIVER, '--port=0'], stdout=file, stderr=subprocess.STDOUT
        )
    try:
        browser = Browser(f'http://127.0.0.1:{_port(log)}', folder / 'profile')
        try:
            yield browser
        finally:
            browser.close()
    finally:
        driver.terminate()
        driver.wait(timeout=10)


def _port(log: Path) -> str:
    """The free port that chromedriver has chosen, which it logs when it is ready."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = re.search(r'started successfully on port (\d+)', log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f'chromedriver does not start: {log.read_text()}')
