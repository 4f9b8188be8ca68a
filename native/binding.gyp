{
  # Node-API 8: one binary serves every Node from 16 on, and Electron. No C++ exceptions: every failure is set on the env and returned.
  "targets": [
    {
      "target_name": "edgewright",
      "sources": [
        "src/addon.cc",
        "src/confine.cc",
        "src/cpu_features.cc",
        "src/dynamic_library.cc",
        "src/kernels.cc",
        "src/kernels_x86.cc",
        "src/probe_cuda.cc",
        "src/probe_libraries.cc",
        "src/probe_nvml.cc",
        "src/probe_vulkan.cc",
        "src/probe_windows.cc",
        "src/process_control.cc"
      ],
      "conditions": [["OS=='linux'", { "libraries": ["-ldl"] }]],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"],
      # Contracting a*b+c into one rounding would make results differ from the TypeScript twins.
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fvisibility-inlines-hidden", "-ffp-contract=off", "-O3"],
      "cflags_cc!": ["-fno-rtti", "-std=gnu++20", "-std=gnu++17"],
      "xcode_settings": {
        "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "MACOSX_DEPLOYMENT_TARGET": "13.0",
        "OTHER_CPLUSPLUSFLAGS": ["-ffp-contract=off", "-fvisibility=hidden"]
      },
      "msvs_settings": {
        "VCCLCompilerTool": { "ExceptionHandling": 0, "AdditionalOptions": ["/std:c++17", "/fp:precise"] }
      }
    }
  ]
}
