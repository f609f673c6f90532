"""TensorBoard's pages in a headless Chromium: they show our graph and scalars.

With HEADRACE_SCREENSHOTS=docs/images the pictures of docs/tensorboard.md are made anew.
"""

import base64
import io
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH")

# All text of a page, that of its components included.
TEXT = """
(function texts(root) {
  let found = "";
  for (const node of root.childNodes) {
    if (node.nodeType === 3) found += node.textContent + "\\n";
    if (node.nodeType === 1 && !["STYLE", "SCRIPT", "DOM-MODULE", "TEMPLATE"].includes(node.tagName))
      found += texts(node);
  }
  return found + (root.shadowRoot ? texts(root.shadowRoot) : "");
})(document.documentElement)
"""


class Browser:
    """Chromium, spoken to by its DevTools protocol over a pair of pipes."""

    def __init__(self, folder):
        command = [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-proxy-server",
            "--hide-scrollbars",
        ]
        command += [f"--user-data-dir={folder}", "--window-size=1200,760", "--remote-debugging-pipe", "about:blank"]
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        # Chromium reads from 3 and writes to 4.
        script = f'exec "$@" 3<&{theirs_read} 4>&{theirs_write}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=[theirs_read, theirs_write],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_read)
        os.close(theirs_write)
        self.read, self.write, self.rest, self.number = ours_read, ours_write, b"", 0
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        # Chromium's window is less high than it was told.
        metrics = {"width": 1200, "height": 760, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self.line())
            if answer.get("id") == self.number:
                assert "result" in answer, answer
                return answer["result"]

    def line(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            assert time.monotonic() < deadline and self.process.poll() is None, "Chromium does not answer"
            if select.select([self.read], [], [], 1.0)[0]:
                self.rest += os.read(self.read, 1 << 20)
        line, self.rest = self.rest.split(b"\0", 1)
        return line

    def show(self, address, *wanted):
        """Opens a page and returns when all these words are on it."""
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=address)
        deadline, missing = time.monotonic() + PATIENCE, set(wanted)
        while missing:
            text = self.ask("Runtime.evaluate", expression=TEXT)["result"].get("value", "")
            missing = {word for word in wanted if word not in text}
            assert time.monotonic() < deadline, f"{address} does not show {missing}, but:\n{text[:3000]}"
            time.sleep(0.3)

    def picture(self):
        """The page as PNG, once it does not change any more."""
        before, now = None, self.shot()
        for _ in range(40):
            if before == now:
                break
            time.sleep(0.5)
            before, now = now, self.shot()
        return now

    def shot(self):
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.read)
        os.close(self.write)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    try:
        yield browser
    finally:
        browser.close()


def kept(name, png):
    """The number of colours of a picture, which is kept where the docs have theirs, if that is asked for."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    if "HEADRACE_SCREENSHOTS" in os.environ:
        few = image.quantize(64, dither=Image.Dither.NONE)
        few.save(Path(os.environ["HEADRACE_SCREENSHOTS"]) / f"tensorboard_{name}.png", optimize=True)
    return len(image.getcolors(1 << 24))


@pytest.mark.parametrize(
    ("name", "page", "words"),
    [
        (
            "scalars",
            "#scalars&tagFilter=%5E(average_loss%7Cauc%7Caccuracy%7Closs)%24",
            ("average_loss", "estimator/eval"),
        ),
        ("graph", "#graphs&run=estimator", ("dnn", "head", "global_step", "save")),
        ("hparams", "#hparams", ("optimizer", "adam", "units", "0.1")),
    ],
)
def test_a_page_shows(browser, server, name, page, words):
    server.until(lambda answer: {"estimator/eval", "keras/train", "session"} <= set(answer), "/data/runs")
    browser.show(f"{server.address}/{page}", *words)
    assert kept(name, browser.picture()) > 50
