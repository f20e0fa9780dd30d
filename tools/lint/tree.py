# SPDX-License-Identifier: BSD-3-Clause
"""The files of the tree, and what a finding is: shared by the checks."""
import os
import subprocess


class Tree:
    """Files by their paths from the root; texts are read once."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(p for p in self._list() if os.path.isfile(os.path.join(root, p)))
        self._texts = {}

    def _list(self):
        # What git tracks or would add. The directory may belong to another user than root.
        command = ['git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others',
                   '--exclude-standard']
        try:
            output = subprocess.run(
                command, cwd=self.root, check=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            return set(output.decode().split('\0')) - {''}
        except (OSError, subprocess.CalledProcessError):
            return self._walk()

    def _walk(self):
        """Without git, as in an unpacked archive."""
        found = set()
        for folder, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders
                          if f not in ('.git', 'node_modules') and not f.startswith('build')]
            found |= {os.path.relpath(os.path.join(folder, f), self.root) for f in files}
        return found

    def text(self, path):
        """The file's text, or None when it is binary."""
        if path not in self._texts:
            with open(os.path.join(self.root, path), 'rb') as f:
                data = f.read()
            try:
                self._texts[path] = None if b'\0' in data else data.decode()
            except UnicodeDecodeError:
                self._texts[path] = None
        return self._texts[path]

    def lines(self, path):
        text = self.text(path)
        return text.split('\n') if text is not None else []

    def select(self, *endings):
        return [p for p in self.files if p.endswith(endings)]

    def c_files(self):
        return self.select('.c', '.h')

    def scripts(self):
        """Programs without an ending that say by #! what runs them."""
        return [p for p in self.files if '.' not in os.path.basename(p).lstrip('.')
                and (self.text(p) or '').startswith('#!')]


class Finding:
    def __init__(self, path, line, text, warning=False):
        self.path = path
        self.line = line
        self.text = text
        self.warning = warning

    def __str__(self):
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.text}"


def code_of(line):
    """A line of C without its strings' insides, and its // comment: (code, comment or None)."""
    out = []
    quote = ''
    i = 0
    while i < len(line):
        c = line[i]
        if quote:
            if c == '\\':
                i += 1
            elif c == quote:
                quote = ''
                out.append(c)
        elif c in '"\'':
            quote = c
            out.append(c)
        elif line.startswith('//', i):
            return ''.join(out), line[i:]
        else:
            out.append(c)
        i += 1
    return ''.join(out), None
