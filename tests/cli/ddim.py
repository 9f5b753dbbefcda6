# SPDX-License-Identifier: LGPL-3.0-or-later
"""Running the command in tests: meson names it in $DDIM and the test data in $DDIM_TEST_DATA."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

DDIM = os.environ['DDIM']
DATA = pathlib.Path(os.environ['DDIM_TEST_DATA'])


def environment(**changes):
    env = {key: value for key, value in os.environ.items() if not key.startswith('DDIM_')}
    # When memory runs out, the command itself must report it, even where a sanitizer would abort. Tests of how much memory is
    # used do not count what a sanitizer keeps after it was freed.
    env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':allocator_may_return_null=1:quarantine_size_mb=16'
    return env | {'LC_ALL': 'C.UTF-8', 'TERM': 'xterm'} | changes


def run(*args, text=True, env=None, **options):
    """The finished command; stdout and stderr captured."""
    def once():
        return subprocess.run([DDIM, *map(str, args)], capture_output=True, text=text, check=False, timeout=600,
                              stdin=subprocess.DEVNULL, env=environment(**(env or {})), **options)

    done = once()
    # LeakSanitizer looks at the memory of threads of the driver, which it now and then finds gone, and crashes itself. That says
    # nothing about the command.
    crashed = 'Tracer caught signal' if text else b'Tracer caught signal'
    return once() if done.returncode < 0 and crashed in done.stderr else done


def popen(*args, **options):
    return subprocess.Popen([DDIM, *map(str, args)], env=environment(), stdin=subprocess.DEVNULL, **options)


def golden_cases():
    """Cases of unets.json whose samples the original made, as (case, arguments of `ddim generate`)."""
    for case in json.loads((DATA / 'unets.json').read_text()):
        if 'sample' not in case:
            continue
        weights = DATA / case.get('weights', f"unet_{case['name']}.pt")
        spec = case['sample']
        yield case, ['-m', weights, '--flags', model_flags(case), *sample_options(case, spec)]


def model_flags(case):
    spec = case['sample']
    size = case['image_size']
    flags = {'num_heads': case['num_heads'], 'noise_schedule': spec['schedule'], 'diffusion_steps': spec['steps'],
             'rescale_timesteps': spec['rescale_timesteps']}
    flags |= {key: case[key] for key in ('num_heads_upsample', 'num_head_channels', 'use_new_attention_order') if key in case}
    flags |= {'large_size': size, 'small_size': case['low_size'][0]} if case['cls'] == 'superres' else {
        'image_size': size}
    return ' '.join(f'--{key} {value}' for key, value in flags.items())


def sample_options(case, spec):
    height, width = spec.get('size', case.get('size', [case['image_size']] * 2))
    options = ['-n', spec['batch'], '--size', f'{width}x{height}', '--steps', spec['respacing'], '--seed', spec['seed'],
               '--sampler', spec.get('sampler', 'ddim'), '--eta', spec.get('eta', 0)]
    if spec.get('labels') is not None:
        options += ['--class', ','.join(map(str, spec['labels']))]
    return options


def cache_home():
    return pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache')


def make_cache(folder):
    """@folder as a cache of a test's own, which shares compiled kernels with the user's."""
    programs = cache_home() / 'ddim' / 'programs'
    programs.mkdir(parents=True, exist_ok=True)
    (folder / 'ddim').mkdir(parents=True)
    (folder / 'ddim' / 'programs').symlink_to(programs)
    return folder


def cache_environment(folder):
    """In which the command uses make_cache()'s @folder."""
    return {'XDG_CACHE_HOME': str(folder), 'POCL_CACHE_DIR': os.environ.get('POCL_CACHE_DIR') or str(cache_home() / 'pocl')}


class Case(unittest.TestCase):
    """Each test has an empty folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def good(self, *args, **options):
        done = run(*args, cwd=self.folder, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, code, *args, **options):
        """The command fails with @code and one line on stderr, which is returned, and writes nothing."""
        before = sorted(self.folder.rglob('*'))
        done = run(*args, cwd=self.folder, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r'\Addim: [^\n]+\n\Z')
        self.assertEqual(done.stdout, '')
        self.assertEqual(sorted(self.folder.rglob('*')), before)
        return done.stderr
