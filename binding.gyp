# One addon: the datagram endpoint, the state machine, the store. See scripts/build-native.sh.
{
  'targets': [
    {
      'target_name': 'zabkv',
      'sources': ['<!@(bash scripts/native-sources.sh)'],
      'include_dirs': ['.', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      'libraries': ['<!@(bash scripts/native-sources.sh --libraries)'],
      'defines': [
        '_GNU_SOURCE',
        'NAPI_VERSION=8',
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        # A worker that is being terminated refuses N-API calls; that must not abort the process.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags': ['-O3', '-Wall', '-Wextra', '-Werror'],
      'cflags+': ['-fvisibility=hidden', '-fno-strict-aliasing'],  # socket addresses are cast
      'cflags!': ['-O2'],
      'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=c++17'],
    },
  ],
}
