import { ArmError } from '../domain/errors.ts'

const wholeTypes = ['monolithicSparse', 'streamOptimized']
const noParent = 'ffffffff'
/** `RW 8192 SPARSE "disk.vmdk"`: access, sectors, kind, file. */
const extentLine = /^(?:RW|RDONLY|NOACCESS)[ \t]+\d+[ \t]+([A-Z0-9]+)/

/**
 * Judges the text that says what a VMDK is made of. Throws InvalidDisk unless it is one sparse extent without a parent,
 * that is, this file alone.
 */
export function requireWholeDisk(descriptor: Uint8Array): void {
  const lines = linesOf(descriptor)
  const parent = told(lines, 'parentCID')
  if (parent !== undefined && parent.toLowerCase() !== noParent) {
    throw refused(
      'This VMDK is a snapshot: it holds only what differs from its parent. Join both first: qemu-img convert -O qcow2 SOURCE whole.qcow2',
    )
  }
  const type = told(lines, 'createType')
  if (type === undefined) throw onePart()
  const kinds = lines.flatMap((line) => extentLine.exec(line)?.[1] ?? [])
  if (!wholeTypes.includes(type) || kinds.length !== 1 || kinds[0] !== 'SPARSE') {
    const shown = type.slice(0, 40).replace(/[^\w-]/g, '?')
    throw refused(
      `The VMDK is of type ${shown} in ${kinds.length} extents; monolithicSparse and streamOptimized, in one file, are read. Convert it: qemu-img convert -O qcow2 SOURCE disk.qcow2`,
    )
  }
}

/** An extent whose descriptor is another file. */
export function onePart(): ArmError {
  return refused(
    'The VMDK is one of several files of a disk. Join them first: qemu-img convert -O qcow2 DESCRIPTOR.vmdk disk.qcow2',
  )
}

/** The text ends at its first zero byte. */
function linesOf(descriptor: Uint8Array): string[] {
  const end = descriptor.indexOf(0)
  const bytes = end === -1 ? descriptor : descriptor.subarray(0, end)
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .map((line) => line.trim())
}

/** The value of `name=value` or `name="value"`. */
function told(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    const equals = line.indexOf('=')
    if (line.slice(0, Math.max(0, equals)).trim() !== name) continue
    return line
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
  }
  return undefined
}

function refused(message: string): ArmError {
  return new ArmError('InvalidDisk', message)
}
