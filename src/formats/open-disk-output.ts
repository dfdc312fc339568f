import type { OutputFormat } from '../domain/output-formats.ts'
import type { ByteReader } from './disk-file.ts'
import { qcow2Output } from './qcow2-output.ts'
import { dynamicVhdOutput, fixedVhdOutput } from './vhd-output.ts'
import { vhdxOutput } from './vhdx-output.ts'

/** Pieces of a stream: one is in memory at a time. */
const pieceBytes = 4 * 1024 * 1024

/**
 * A disk as a file of a format: a reader over bytes that are made when they are asked for, of a length that is known, so
 * that any range of it can be sent, again and from anywhere. `disk` is the disk's bytes and where data is; `idHex` (32
 * digits) names its content. Same disk, same id, same bytes. Throws InvalidDisk when the format cannot hold such a disk.
 */
export async function openDiskOutput(
  format: OutputFormat,
  { disk, idHex }: { readonly disk: ByteReader; readonly idHex: string },
  signal: AbortSignal,
): Promise<ByteReader> {
  switch (format) {
    case 'raw':
      return disk
    case 'vhd':
      return fixedVhdOutput(disk, idHex)
    case 'vhd-dynamic':
      return await dynamicVhdOutput(disk, idHex, signal)
    case 'vhdx':
      return await vhdxOutput(disk, idHex, signal)
    case 'qcow2':
      return await qcow2Output(disk, signal)
  }
}

/** The bytes of a file from an offset to its end, in pieces of at most 4 MiB. */
export async function* streamOf(
  file: ByteReader,
  fromBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let offsetBytes = fromBytes; offsetBytes < file.sizeBytes; ) {
    const lengthBytes = Math.min(pieceBytes, file.sizeBytes - offsetBytes)
    yield await file.read({ offsetBytes, lengthBytes }, signal)
    offsetBytes += lengthBytes
  }
}
