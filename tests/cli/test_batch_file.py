#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""`--batch-file`: many requests in one process, good and bad ones."""
import json
import os
import signal
import subprocess
import sys

import ddim
import npy
import tap

QUICK = {'steps': '2', 'size': 16, 'seed': 1}
MAX_LINE = 65536


class BatchFile(ddim.Case):
    def batch(self, *lines, code=0, options=()):
        """What is told of each line: [answer] by the line's number. A line is an object, or bytes as they are."""
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        (self.folder / 'jobs.jsonl').write_bytes(b'\n'.join(texts) + b'\n')
        done = ddim.run('generate', '-q', *options, '--batch-file', 'jobs.jsonl', cwd=self.folder)
        self.assertEqual(done.returncode, code, done.stderr)
        told = {number: [] for number in range(1, len(lines) + 1)}
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            told[answer['line']].append(answer)
        return told

    def pixels(self, name):
        return npy.load_png(self.folder / name)[0].values

    def test_same_as_single_calls(self):
        told = self.batch(QUICK | {'class': 'lava', 'count': 2, 'output': 'a.png'},
                          QUICK | {'model': str(ddim.DATA / 'unet_tiny_uncond.pt'), 'output': 'b.npz', 'count': 2},
                          QUICK | {'class': 'lava', 'eta': 0.5, 'clip': False, 'output': 'c.png'},
                          QUICK | {'command': 'vary', 'input': 'a-0.png', 'class': 'lava', 'output': 'd.png', 'size': 16},
                          code=1)
        self.assertIn('size', told[4][0]['error'])
        self.assertEqual([answer['path'] for answer in told[1]], ['a-0.png', 'a-1.png'])
        self.assertEqual([(answer['path'], answer['index']) for answer in told[2]], [('b.npz', 0), ('b.npz', 1)])
        quick = ['generate', '--steps', '2', '--size', '16', '--seed', '1']
        self.good(*quick, '--class', 'lava', '-n', '2', '-o', 'A.png')
        self.good(*quick, '-m', ddim.DATA / 'unet_tiny_uncond.pt', '-n', '2', '-o', 'B.npz')
        self.good(*quick, '--class', 'lava', '--eta', '0.5', '--no-clip', '-o', 'C.png')
        for ours, theirs in [('a-0.png', 'A-0.png'), ('a-1.png', 'A-1.png'), ('b.npz', 'B.npz'), ('c.png', 'C.png')]:
            self.assertEqual((self.folder / ours).read_bytes(), (self.folder / theirs).read_bytes(), ours)

    def test_other_commands_and_defaults(self):
        told = self.batch({'output': 'in.png', 'size': '16x16'},
                          {'command': 'vary', 'input': 'in.png', 'output': 'v.png'},
                          {'command': 'encode', 'input': 'in.png', 'output': 'z.npy'},
                          {'command': 'interpolate', 'from': '1', 'to': '2', 'size': 16, 'output': 'i.png', 'grid': True},
                          options=['--steps', '2', '--seed', '3', '--class', 'lava'])
        self.assertEqual([len(answers) for answers in told.values()], [1, 1, 1, 8])
        self.good('vary', '-i', 'in.png', '--steps', '2', '--seed', '3', '--class', 'lava', '-o', 'V.png')
        self.assertEqual(self.pixels('v.png'), self.pixels('V.png'))
        self.assertTrue(all('--steps 2' in answer['command'] and answer['class'] == 'lava'
                            for answers in told.values() for answer in answers))
        self.good(*told[3][0]['decode'].split()[1:], '-o', 'again.png')

    def test_command_decides_the_count(self):
        """As it does on the command line: 8 pictures between two, else one; unless a number is given there."""
        (self.folder / 'jobs.jsonl').write_text('{"command": "generate", "output": "g.png"}\n{"output": "i.png", "grid": true}\n')
        options = ['--from', '1', '--to', '2', '--steps', '2', '--size', '16', '--seed', '1', '--class', 'lava', '--batch-file',
                   'jobs.jsonl']
        for count, expected in ([[], [1, 8]], [['-n', '3'], [3, 3]]):
            told = [json.loads(line) for line in self.good('interpolate', *count, *options).stdout.splitlines()]
            self.assertEqual([sum(answer['line'] == line for answer in told) for line in (1, 2)], expected)

    def test_errors_do_not_end_the_rest(self):
        good = [QUICK | {'output': 'first.png'}, QUICK | {'output': 'last.png'}]
        bad = {
            b'': 'empty', b'  \t\r': 'empty', b'{': 'line 4', b'[1]': 'object', b'7': 'object', b'null': 'object',
            b'{"seed": 1} {}': 'after the end', b'\xff\xfe{}': 'UTF-8', b'{"class": "\xc3"}': 'UTF-8',
            b'{"seed": 1\0}': 'line 11', b'{"class": "a\0b"}': 'line 12', b'\0': 'line 13',
            b'{"nonsense": 1}': 'nonsense', b'{"seed": "1"}': 'seed', b'{"seed": 1.5}': 'seed', b'{"seed": -2}': 'seed',
            b'{"seed": 9223372036854775808}': '64 bits', b'{"steps": 5}': 'steps', b'{"clip": "no"}': 'clip',
            b'{"count": 0}': 'count', b'{"count": 1000001}': 'count', b'{"size": "16x"}': 'size', b'{"size": [16, 16]}': 'size',
            b'{"size": 16.5}': 'size', b'{"eta": true}': 'eta', b'{"sampler": "fast"}': 'sampler', b'{"class": null}': 'class',
            b'{"command": "explode"}': 'command', b'{"command": 3}': 'command', b'{"input": "x.png"}': 'input',
            b'{"output": 5}': 'output', b'{"output": ""}': 'output', b'{"output": "-"}': 'output', b'{"output": "x.jpg"}': 'jpg',
            b'{"output": "no/such/x.png"}': 'no/such', b'{"output": {"a": 1}}': 'output: expected', b'{"output": null}': 'output: expected',
            b'{"grid": 1}': 'grid', b'{"grid": null}': 'grid: expected',
            b'{"grid": true, "output": "x.npz"}': 'sheet', b'{"model": "no-such-model"}': 'no-such-model',
            b'{"class": "no-such-class"}': 'no-such-class', b'{"size": 17}': 'size', b'{"command": "encode"}': 'npy',
            b'{"output": "first.png"}': 'first.png', b'{"output": "./first.png"}': 'first.png',
            b'{"device": "no such device"}': 'no such device',
            b'[' * 100: 'deep', b'{"class": "' + b'x' * MAX_LINE + b'"}': str(MAX_LINE),
        }
        told = self.batch(good[0], *bad, good[1], code=1)
        for number, (line, word) in enumerate(bad.items(), 2):
            with self.subTest(line=line[:60]):
                self.assertEqual(len(told[number]), 1)
                self.assertEqual(set(told[number][0]), {'line', 'error'})
                self.assertIn(word, told[number][0]['error'])
        self.assertEqual([answer['path'] for answer in told[1] + told[len(bad) + 2]], ['first.png', 'last.png'])
        self.assertEqual(self.pixels('first.png'), self.pixels('last.png'))
        self.assertEqual({path.name for path in self.folder.iterdir()}, {'first.png', 'last.png', 'jobs.jsonl'})

    def test_names_of_several_pictures(self):
        """A name is refused when one of its numbered files exists already from this run."""
        told = self.batch(QUICK | {'output': 'x-1.png'}, QUICK | {'output': 'x.png', 'count': 2},
                          QUICK | {'output': 'x.png', 'count': 1}, QUICK, QUICK, QUICK | {'output': 'ddim-1.png'}, code=1)
        self.assertEqual([('error' in answers[0]) for answers in told.values()], [False, True, False, False, True, True])

    def start(self, *options):
        return subprocess.Popen([ddim.DDIM, 'generate', *(options or ['-q']), '--batch-file', '-'], cwd=self.folder,
                                env=ddim.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_long_line_takes_no_memory(self):
        process = self.start()
        for _ in range(256):
            process.stdin.write(b'x' * (1 << 20))
        process.stdin.write(b'\n' + json.dumps(QUICK | {'output': 'x.png'}).encode())  # a last line without an end
        process.stdin.close()
        told = [json.loads(line) for line in process.stdout]
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(process.returncode, 1)
        self.assertEqual(errors, b'ddim: 1 of 2 requests failed\n')
        self.assertIn('longer', told[0]['error'])
        self.assertEqual((told[1]['line'], told[1]['path']), (2, 'x.png'))
        self.assertLess(usage.ru_maxrss, 1 << 20)

    def test_conversation(self):
        """Each request is answered before the next one is written."""
        process = self.start()
        for number, class_name in enumerate(['lava', 'nonsense', 'wood', 'lava'], 1):
            request = QUICK | {'class': class_name, 'output': f'{number}.png'}
            process.stdin.write(json.dumps(request).encode() + b'\n')
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            self.assertEqual(answer['line'], number)
            self.assertEqual('error' in answer, class_name == 'nonsense')
        out, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out, errors), (1, b'', b'ddim: 1 of 4 requests failed\n'))
        self.assertEqual(self.pixels('1.png'), self.pixels('4.png'))

    def test_interrupted(self):
        """While it waits for a request, at the very end of one, and in the midst of one."""
        for lines in [[QUICK]] * 4 + [[QUICK, {'count': 500, 'batch': 1, 'size': 64, 'steps': '', 'output': 'long.png'}]]:
            with self.subTest(lines=len(lines)):
                process = self.start('-v')
                told = []
                for line in lines:
                    process.stdin.write(json.dumps(line).encode() + b'\n')
                    process.stdin.flush()
                    if line is QUICK:
                        told.append(json.loads(process.stdout.readline()))
                    else:
                        self.read_until(process.stderr, b"steps ''")
                process.send_signal(signal.SIGINT)
                process.wait(timeout=120)  # the end of its input would be another reason to end
                out, errors = process.communicate()
                self.assertEqual(process.returncode, 130, errors)
                self.assertIn(b'interrupted', errors)
                self.assertNotIn(b'nothing', errors)

    def read_until(self, stream, *texts):
        for line in stream:
            if any(text in line for text in texts):
                return
        self.fail('it ended')

    def test_command_line(self):
        (self.folder / 'empty').write_bytes(b'')
        self.assertEqual(self.good('generate', '--batch-file', 'empty').stdout, '')
        self.refused(1, 'generate', '--batch-file', 'no-such-file')
        self.refused(1, 'generate', '--batch-file', '.')
        self.refused(2, 'generate', '--batch-file', 'empty', '-o', 'x.png')
        self.refused(2, 'generate', '--batch-file', 'empty', '--grid')


if __name__ == '__main__':
    sys.exit(tap.main())
