#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Everything that is to be found out on a machine with a graphics card, in one run.

  gpu-run.py pack BUILD BUNDLE [--original CHECKOUT]
      On any machine: put the built command and tests, the default model, and the libraries that they need (the OpenCL loader
      and CLBlast too) into the folder BUNDLE. BUILD is a build folder, best of -Dbuildtype=release -Dplugin=disabled. With
      CHECKOUT, one of https://github.com/openai/improved-diffusion, PyTorch is measured too.
  BUNDLE/gpu-run.py run REPORT [--python PYTHON] [--minutes N] …
      On the machine with the card: only its driver and python3 are needed, and for comparisons a PYTHON with torch. In turn:
      what is there (`ddim devices`, `nvidia-smi`); `ddim check`, in f32 and f16; for each model, batch and precision
      `ddim bench`, `ddim tune` and `ddim bench` again, and PyTorch in float32, TF32 and half on the same card; then all tests
      that use a device.

REPORT receives report.md with the tables, and one file for each step in steps/, with its command and all that it printed. A
step that has its file is not taken again, so after an interruption the same command goes on. With --minutes no step begins
later than that, and none lasts longer. Models other than the default have random weights, which torch makes.
"""
import argparse
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
DRIVERS = {'nvidia.icd': 'libnvidia-opencl.so.1', 'intel.icd': 'libigdrcl.so', 'amdocl64.icd': 'libamdocl64.so'}
# These belong to the machine and its drivers.
C_LIBRARY = re.compile(r'ld-linux|lib(c|m|dl|rt|pthread|resolv|util)\.so')
MODELS = ['default', 'cifar', 'imagenet64', 'lsun256']
TEST_SECONDS = 900


# ---- pack ----

def needed_libraries(binaries):
    found = {}
    for binary in binaries:
        text = subprocess.run(['ldd', binary], capture_output=True, text=True, check=False).stdout
        found |= {name: path for name, path in re.findall(r'(\S+) => (/\S+)', text) if not C_LIBRARY.match(name)}
    return found


def device_tests(build, wanted):
    """The tests that use a device, as meson knows them. Variants for processors tell nothing about a graphics card."""
    listed = json.loads(subprocess.run(['meson', 'introspect', '--tests', build], capture_output=True, check=True).stdout)
    for test in listed:
        suites = {suite.rpartition(':')[2] for suite in test['suite']}
        kernels, other = test['env'].get('DDIM_KERNELS'), re.sub('-cpu$', '-gpu', test['name'])
        has_other = other != test['name'] and any(t['name'] == other for t in listed)
        if not suites & {'unit', 'ops', 'driver'} or any(name.startswith('POCL_') for name in test['env']):
            continue
        if kernels in ('auto', 'amx-emulated') or kernels == 'cpu' and has_other:
            continue
        if not wanted or re.search(wanted, test['name']):
            yield test


def pack(args):
    source, build, bundle = HERE.parent.parent, args.build.resolve(), args.bundle.resolve()
    bundle.mkdir(parents=True)
    tests = list(device_tests(build, args.tests))
    programs = {pathlib.Path(test['cmd'][0]) for test in tests if test['cmd'][0].startswith(str(build))}
    programs.add(build / 'cli' / 'ddim')
    programs |= {pathlib.Path(test['env']['FAKE_GPU_LIBRARY']) for test in tests if 'FAKE_GPU_LIBRARY' in test['env']}
    subprocess.run(['ninja', '-C', build, *(program.relative_to(build) for program in programs)], check=True)
    for program in programs:
        # The command finds its models from a folder bin/.
        target = bundle / 'build' / (program.relative_to(build) if program != build / 'cli' / 'ddim' else 'bin/ddim')
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['strip', '-o', target, program], check=True)
        shutil.copymode(program, target)
    (bundle / 'lib').mkdir()
    for name, path in needed_libraries(programs).items():
        shutil.copy(path, bundle / 'lib' / name)
    for folder in ['tests/cli', 'tests/unit', 'tests/data', 'tests/bench', 'opencl/kernels', 'models']:
        shutil.copytree(source / folder, bundle / 'source' / folder, ignore=shutil.ignore_patterns('__pycache__', '*.c', '*.png'))
    shutil.copy(source / 'tests' / 'tap.py', bundle / 'source' / 'tests')
    models = bundle / 'build' / 'share' / 'ddim' / 'models'
    models.mkdir(parents=True)
    for model in (source / 'models').glob('*.safetensors'):
        os.link(bundle / 'source' / 'models' / model.name, models / model.name)
    if args.original:
        shutil.copytree(args.original, bundle / 'original', ignore=shutil.ignore_patterns('.git', '__pycache__'))
    text = json.dumps([{key: test[key] for key in ('name', 'cmd', 'env')} for test in tests])
    text = text.replace(str(build / '..'), '@SOURCE@').replace(str(build), '@BUILD@').replace(str(source), '@SOURCE@')
    text = text.replace('@BUILD@/cli/ddim', '@BUILD@/bin/ddim')
    (bundle / 'tests.json').write_text(re.sub(r'"[^"]*/python3?(\.\d+)?"', '"@PYTHON@"', text))
    (bundle / 'gpu-run.py').symlink_to('source/tests/bench/gpu-run.py')
    size = sum(path.stat().st_size for path in bundle.rglob('*') if path.is_file()) / 2**20
    print(f'{bundle}: {len(tests)} tests, {size:.0f} MiB')


# ---- run ----

def missing_libraries(bundle, folder):
    """Put those libraries into @folder that this machine does not have, or has too old."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        done = subprocess.run(['ldd', bundle / 'build' / 'bin' / 'ddim'], capture_output=True, text=True, check=False,
                              env=os.environ | {'LD_LIBRARY_PATH': str(folder)})
        text = done.stdout + done.stderr
        names = set(re.findall(r'(\S+) => not found', text)) | {
            pathlib.Path(path).name for path in re.findall(r'(\S+): version \S+ not found', text)}
        names = {name for name in names if (bundle / 'lib' / name).exists() and not (folder / name).exists()}
        if not names:
            return
        for name in names:
            (folder / name).symlink_to(bundle / 'lib' / name)


def find_drivers(folder):
    """Where the loader finds drivers: the system's list, or one of those that are there."""
    if 'OCL_ICD_VENDORS' in os.environ or list(pathlib.Path('/etc/OpenCL/vendors').glob('*.icd')):
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, library in DRIVERS.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        (folder / name).write_text(library + '\n')
    return {'OCL_ICD_VENDORS': str(folder)}


class Run:
    def __init__(self, args):
        self.args, self.bundle, self.report = args, HERE.parent.parent.parent, args.report.resolve()
        self.ddim, self.source = self.bundle / 'build' / 'bin' / 'ddim', self.bundle / 'source'
        self.end = time.monotonic() + args.minutes * 60 if args.minutes else None
        self.steps, self.work = self.report / 'steps', self.report / 'work'
        self.steps.mkdir(parents=True, exist_ok=True)
        libraries = self.work / 'lib'
        missing_libraries(self.bundle, libraries)
        self.env = {'LD_LIBRARY_PATH': f"{libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(':'), 'LC_ALL': 'C.UTF-8',
                    'XDG_CACHE_HOME': str(self.work / 'cache'), 'POCL_CACHE_DIR': str(self.work / 'pocl')}
        (self.work / 'pocl').mkdir(exist_ok=True)
        self.env |= find_drivers(self.work / 'vendors')
        if args.device:
            self.env['DDIM_DEVICE'] = args.device
        self.torch = self.find_torch()

    def find_torch(self):
        """What torch says of itself, or None where there is none to compare with."""
        if not (self.bundle / 'original').is_dir():
            return None
        probe = 'import torch, numpy; print(torch.__version__, torch.cuda.is_available() and torch.cuda.get_device_name())'
        done = subprocess.run([self.args.python, '-W', 'ignore', '-c', probe], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def step(self, name, command, limit, **env):
        """Run @command, unless that was done already; the record of the step, or None where there is no time left."""
        path = self.steps / f'{name}.json'
        if path.exists():
            return json.loads(path.read_text())
        left = self.end - time.monotonic() if self.end else limit
        if left < 5:
            return None
        print(f'{time.strftime("%T")} {name}', flush=True)
        start, command = time.monotonic(), [str(part) for part in command]
        try:
            done = subprocess.run(command, capture_output=True, timeout=min(limit, left), stdin=subprocess.DEVNULL,
                                  env=os.environ | env, check=False)
            status, out, err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as late:
            if left < limit:
                return None  # the run's time is over, not the step's
            status, out, err = 'took too long', late.stdout or b'', late.stderr or b''
        except OSError as error:
            status, out, err = str(error), b'', b''
        record = {'command': command, 'status': status, 'seconds': time.monotonic() - start, 'out': out.decode(errors='replace'),
                  'err': err.decode(errors='replace')}
        path.write_text(json.dumps(record, indent=1))
        if status != 0:
            print(f'  failed: {status} {record["err"].strip()[-300:]}', flush=True)
        return record

    def ddim_step(self, name, *arguments, limit=600):
        return self.step(name, [self.ddim, *arguments], limit, **self.env)

    # -- models --

    def case(self, model):
        """Name and file of a model's architecture, its weights, and the architecture."""
        data = self.source / 'tests' / 'data'
        name, file, weights = model, HERE / 'configs.json', self.work / f'{model}.pt'
        if model == 'default':
            name, file, weights = 'textures_ddim', data / 'unets.json', self.source / 'models' / 'textures.safetensors'
        elif model == 'tiny':
            name, file, weights = 'tiny_uncond', data / 'unets.json', data / 'unet_tiny_uncond.pt'
        (case,) = (case for case in json.loads(file.read_text()) if case['name'] == name)
        return name, file, weights, case

    def options(self, model, batch, precision):
        """What `ddim bench` and `ddim tune` take alike. The default model knows its configuration."""
        _, _, weights, case = self.case(model)
        size = case['image_size']
        flags = [] if model == 'default' else ['--flags', f"--image_size {size} --num_heads {case['num_heads']}"]
        return ['--json', '-m', weights, *flags, '--batch', batch, '--size', size, '--precision', precision]

    def original(self, name, *arguments, limit=600):
        return self.step(name, [self.args.python, '-W', 'ignore', HERE / 'original.py', *arguments], limit)

    def have_weights(self, model):
        name, cases, weights, _ = self.case(model)
        if not weights.exists() and self.torch:
            self.original(f'weights-{model}', 'weights', self.bundle / 'original', cases, name, weights)
        return weights.exists()

    def evaluate(self, model, batch, precision, when):
        self.ddim_step(f'bench-{model}-{batch}-{precision}-{when}', 'bench', *self.options(model, batch, precision),
                       '--steps', self.args.steps)

    def tune(self, model, batch, precision):
        self.ddim_step(f'tune-{model}-{batch}-{precision}', 'tune', *self.options(model, batch, precision),
                       '--search', self.args.search)

    def pytorch(self, model, batch):
        name, cases, weights, case = self.case(model)
        for precision in ['f32', 'tf32', 'f16'] if self.args.torch_device != 'cpu' else ['f32']:
            self.original(f'torch-{model}-{batch}-{precision}', 'eval', self.bundle / 'original', cases, name, weights, batch,
                          case['image_size'], self.args.steps, os.cpu_count(), self.args.torch_device, precision)

    def measure(self):
        for model in self.args.models:
            if not self.have_weights(model):
                print(f'{model}: no weights, which need torch and the original', flush=True)
                continue
            for batch in self.args.batches:
                for precision in self.args.precisions:
                    self.evaluate(model, batch, precision, 'before')
                if self.torch:
                    self.pytorch(model, batch)
                for precision in self.args.precisions:
                    self.tune(model, batch, precision)
                    self.evaluate(model, batch, precision, 'after')

    def tests(self):
        text = (self.bundle / 'tests.json').read_text()
        for mark, place in [('@SOURCE@', self.source), ('@BUILD@', self.bundle / 'build'), ('@PYTHON@', sys.executable)]:
            text = text.replace(mark, str(place))
        for test in json.loads(text):
            if not self.args.tests or re.search(self.args.tests, test['name']):
                self.step(f"test-{test['name']}", test['cmd'], TEST_SECONDS, **self.env | test['env'])

    # -- the report --

    def record(self, name):
        path = self.steps / f'{name}.json'
        return json.loads(path.read_text()) if path.exists() else None

    def milliseconds(self, name):
        record = self.record(name)
        if record is None:
            return None, '-'
        if record['status'] != 0:
            return None, 'failed'
        value = json.loads(record['out'])['ms_per_eval_median']
        return value, f'{value:.2f}'

    def rows(self):
        for model in self.args.models:
            for batch in self.args.batches:
                for precision in self.args.precisions:
                    name = f'{model}-{batch}-{precision}'
                    values = [self.milliseconds(f'bench-{name}-before'), self.milliseconds(f'bench-{name}-after')]
                    others = ['f32', 'tf32'] if precision == 'f32' else ['f16']
                    torch = [self.milliseconds(f'torch-{model}-{batch}-{other}') for other in others]
                    best = min((value for value, _ in values if value), default=None)
                    ratios = [f'{value / best:.2f}' if value and best else '-' for value, _ in torch]
                    yield (f'| {model} | {batch} | {precision} | {values[0][1]} | {values[1][1]} | '
                           f"{' / '.join(text for _, text in torch)} | {' / '.join(ratios)} |")

    def test_lines(self):
        records = [(path.stem[5:], json.loads(path.read_text())) for path in sorted(self.steps.glob('test-*.json'))]
        bad = [(name, record) for name, record in records if record['status'] != 0]
        lines = [f'{len(records) - len(bad)} of {len(records)} programs passed.', '']
        for name, record in bad:
            points = [line for line in record['out'].splitlines() if line.startswith('not ok')]
            lines.append(f"- {name}: {record['status']}; {'; '.join(points[:5])}")
        return lines

    def write_report(self):
        shown = []
        for name in ['devices', 'nvidia-smi', 'version', 'check', 'check-f16']:
            record = self.record(name)
            if record:
                text = record['out'] if record['status'] == 0 else f"{record['out']}{record['err']}\n{record['status']}"
                shown += [f'## {name}', '', '```', text.strip(), '```', '']
        lines = ['# A run on a graphics card', '', f"{time.strftime('%F %T')}; PyTorch: {self.torch or 'none'}", '', *shown,
                 '## Evaluations', '', 'Milliseconds of one evaluation of the whole batch (median); before and after `ddim tune`;'
                 ' PyTorch without / with TF32 for f32.', '',
                 '| model | batch | precision | ddim | tuned | PyTorch | PyTorch / ddim |', '| --- ' * 7 + '|', *self.rows(), '',
                 '## Tests', '', *self.test_lines()]
        (self.report / 'report.md').write_text('\n'.join(lines) + '\n')

    def all(self):
        try:
            self.step('nvidia-smi', ['nvidia-smi'], 60)
            self.ddim_step('devices', 'devices')
            self.ddim_step('version', '--version')
            self.ddim_step('check', 'check')
            self.ddim_step('check-f16', 'check', '--precision', 'f16')
            self.measure()
            self.tests()
        finally:
            self.write_report()
        print(f"{self.report / 'report.md'}")


def words(text):
    return text.split(',')


def numbers(text):
    return [int(word) for word in words(text)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(required=True)
    packing = actions.add_parser('pack', help='make the folder that is carried to the machine')
    packing.add_argument('build', type=pathlib.Path)
    packing.add_argument('bundle', type=pathlib.Path)
    packing.add_argument('--original', type=pathlib.Path, help='a checkout of openai/improved-diffusion')
    packing.add_argument('--tests', help='take only tests whose name matches this regular expression')
    packing.set_defaults(action=pack)
    running = actions.add_parser('run', help='do everything, from a bundle')
    running.add_argument('report', type=pathlib.Path)
    running.add_argument('--device', help='as --device of ddim; otherwise the one with the star in ddim devices')
    running.add_argument('--python', default=sys.executable, help='one that has torch and numpy')
    running.add_argument('--torch-device', default='cuda')
    running.add_argument('--minutes', type=float, help='let no step begin later, and none last longer')
    running.add_argument('--models', type=words, default=MODELS, help=f"of {', '.join(MODELS)}; tiny, for tests of this script")
    running.add_argument('--batches', type=numbers, default=[1, 4, 16])
    running.add_argument('--precisions', type=words, default=['f32', 'f16'])
    running.add_argument('--steps', type=int, default=20, help='evaluations to time')
    running.add_argument('--search', type=int, default=60, help='seconds of each search for better parameters of CLBlast')
    running.add_argument('--tests', help='only tests whose name matches this regular expression')
    running.set_defaults(action=lambda args: Run(args).all())
    args = parser.parse_args()
    args.action(args)


if __name__ == '__main__':
    main()
