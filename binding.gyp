# One addon: the datagram endpoint, the state machine, the store. Built by scripts/build-native.sh.
{
  'targets': [
    {
      'target_name': 'zabkv',
      'sources': ['<!@(bash scripts/native-sources.sh)'],
      'include_dirs': ['.', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      'libraries': ['<!@(bash scripts/native-sources.sh --libraries)'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', '_GNU_SOURCE'],
      'cflags': ['-O3', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', '-fno-strict-aliasing'],
      'cflags!': ['-O2'],
      'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=c++17'],
    },
  ],
}
