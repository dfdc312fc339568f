/** As what a disk is given out: a raw disk, fixed and dynamic VHD, VHDX, QCOW2. */
export const outputFormats = ['raw', 'vhd', 'vhd-dynamic', 'vhdx', 'qcow2'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** How the name of such a file ends. */
export function fileEnding(format: OutputFormat): string {
  return format === 'vhd-dynamic' ? 'vhd' : format
}
