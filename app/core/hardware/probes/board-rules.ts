/** What is known of accelerators in chips and on boards: how each is recognised, its device node, and its vendor's library. */

export interface BoardRule {
  kind: 'gpu' | 'npu';
  vendor: string;
  name: string;
  /** Matches one of the strings of /proc/device-tree/compatible; without it the device node alone is proof. */
  compatible?: RegExp;
  /** A better name by the matching string. */
  parts?: readonly [RegExp, string][];
  /** Not every board with this chip has it in use: its node has to be there too. */
  needsNode?: boolean;
  /** The first of these that is there counts. */
  nodes: readonly string[];
  /** The vendor's user-space library. */
  library?: { title: string; names: readonly string[] };
  /** Files that hold the driver's version. */
  versions?: readonly string[];
}

/** Sources: the kernel's device-tree bindings, and the vendors' driver packages. */
export const BOARD_RULES: readonly BoardRule[] = [
  {
    kind: 'gpu',
    vendor: 'NVIDIA',
    name: 'Jetson integrated GPU',
    compatible: /^nvidia,tegra(?:124|132|210|186|194|234|264)$/,
    parts: [
      [/tegra264/, 'Jetson Thor integrated GPU'],
      [/tegra234/, 'Jetson Orin integrated GPU'],
      [/tegra194/, 'Jetson Xavier integrated GPU'],
      [/tegra186/, 'Jetson TX2 integrated GPU'],
      [/tegra210/, 'Jetson Nano / TX1 integrated GPU'],
    ],
    nodes: ['/dev/nvhost-gpu', '/dev/nvgpu/igpu0/power', '/dev/nvmap', '/dev/nvidia0'],
    library: { title: "the driver's CUDA library", names: ['libcuda.so.1'] },
  },
  {
    kind: 'npu',
    vendor: 'NVIDIA',
    name: 'NVIDIA Deep Learning Accelerator',
    compatible: /^nvidia,tegra(?:194|234)$/,
    needsNode: true,
    nodes: ['/dev/nvhost-nvdla0', '/dev/nvhost-ctrl-nvdla0'],
  },
  {
    kind: 'npu',
    vendor: 'Rockchip',
    name: 'Rockchip NPU',
    compatible: /^rockchip,(?:rk1808|rk3399pro|rk3562|rk3566|rk3568|rk3576|rk3588s?|rv1103|rv1106|rv1109|rv1126b?)$/,
    parts: [
      [/rk3588/, 'Rockchip RK3588 NPU (6 TOPS)'],
      [/rk3576/, 'Rockchip RK3576 NPU (6 TOPS)'],
      [/rk356[68]/, 'Rockchip RK356x NPU (1 TOPS)'],
    ],
    nodes: ['/dev/rknpu', '/dev/accel/accel0', '/dev/dri/renderD129'],
    library: { title: "Rockchip's RKNN runtime", names: ['librknnrt.so', 'librknn_runtime.so'] },
    versions: ['/sys/module/rknpu/version', '/proc/rknpu/version', '/sys/kernel/debug/rknpu/version'],
  },
  {
    kind: 'npu',
    vendor: 'Hailo',
    name: 'Hailo accelerator',
    nodes: ['/dev/hailo0'],
    library: { title: 'HailoRT', names: ['libhailort.so', 'libhailort.so.4', 'libhailort.so.5'] },
    versions: ['/sys/module/hailo_pci/version', '/sys/module/hailo1x_pci/version', '/sys/class/hailo_chardev/hailo0/driver_version'],
  },
  {
    kind: 'npu',
    vendor: 'Google Coral',
    name: 'Coral Edge TPU',
    nodes: ['/dev/apex_0'],
    library: { title: 'the Edge TPU runtime', names: ['libedgetpu.so.1'] },
    versions: ['/sys/class/apex/apex_0/driver_version', '/sys/module/gasket/version'],
  },
  {
    kind: 'npu',
    vendor: 'Qualcomm',
    name: 'Qualcomm Hexagon DSP',
    nodes: ['/dev/fastrpc-cdsp', '/dev/fastrpc-cdsp-secure', '/dev/adsprpc-smd'],
    library: { title: 'the Qualcomm AI runtime', names: ['libQnnHtp.so', 'libcdsprpc.so.1', 'libcdsprpc.so'] },
  },
  {
    kind: 'npu',
    vendor: 'NXP',
    name: 'NXP i.MX 8M Plus NPU',
    compatible: /^fsl,imx8mp$/,
    nodes: ['/dev/galcore', '/dev/dri/renderD128'],
    library: { title: "NXP's OpenVX delegate", names: ['libvx_delegate.so', 'libovxlib.so.1.1.0', 'libtim-vx.so'] },
  },
  {
    kind: 'npu',
    vendor: 'Arm',
    name: 'Arm Ethos-U NPU',
    compatible: /^fsl,imx9[35]\b/,
    nodes: ['/dev/ethosu0'],
    library: { title: 'the Ethos-U delegate', names: ['libethosu_delegate.so'] },
  },
  {
    kind: 'npu',
    vendor: 'Texas Instruments',
    name: 'TI C7x deep-learning accelerator',
    compatible: /^ti,(?:am62a7|am67a|am68a|am69a|j721e|j721s2|j722s|j784s4)$/,
    nodes: ['/dev/remote-udmabuf', '/dev/rpmsg_ctrl0'],
    library: { title: "TI's TIDL runtime", names: ['libtidl_tfl_delegate.so', 'libvx_tidl_rt.so'] },
  },
  {
    kind: 'npu',
    vendor: 'Amlogic',
    name: 'Amlogic NPU',
    compatible: /^amlogic,(?:a311d|a311d2|s905d3|g12b|sm1)$/,
    nodes: ['/dev/galcore'],
    library: { title: "VeriSilicon's OpenVX driver", names: ['libOpenVX.so', 'libksnn.so'] },
  },
  {
    kind: 'npu',
    vendor: 'MediaTek',
    name: 'MediaTek APU',
    compatible: /^mediatek,(?:mt8365|mt8188|mt8195|mt8390|mt8395|mt8370)$/,
    nodes: ['/dev/apusys', '/dev/apu'],
    library: { title: "MediaTek's NeuroPilot runtime", names: ['libneuron_runtime.so', 'libneuronusdk_runtime.mtk.so'] },
  },
  { kind: 'npu', vendor: 'Tenstorrent', name: 'Tenstorrent accelerator', nodes: ['/dev/tenstorrent/0'] },
  { kind: 'npu', vendor: 'MemryX', name: 'MemryX accelerator', nodes: ['/dev/memx0'] },
  { kind: 'npu', vendor: 'Amazon', name: 'AWS Neuron device', nodes: ['/dev/neuron0'] },
];
