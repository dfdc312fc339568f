import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dataRangesOf } from '../base/data-ranges-of.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { ArmError } from '../domain/errors.ts'
import type { ByteReader } from './disk-file.ts'

/**
 * A reader over a local file that knows its holes. The size is that of now.
 * Throws NotFound when there is no file to read, InvalidDisk when it is none or gets shorter while it is read.
 */
export async function openLocalFile(
  path: string,
): Promise<{ readonly reader: ByteReader; close(): Promise<void> }> {
  const file = await openToRead(path)
  const stat = await file.stat()
  if (!stat.isFile()) {
    await file.close()
    throw new ArmError('InvalidDisk', `${path} is not a file. Name the file that holds the disk.`)
  }
  const reader: ByteReader = {
    sizeBytes: stat.size,
    read: (range, signal) => readExactly(file, range, signal),
    dataRanges: () => dataRangesOf(file.fd, stat.size),
  }
  return { reader, close: () => file.close() }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    // Not blocking: a named pipe without a writer would hang the open.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EACCES') throw error
    throw new ArmError('NotFound', `There is no file at ${path} that may be read (${code}).`)
  }
}

async function readExactly(
  file: FileHandle,
  range: ByteRange,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(range.lengthBytes)
  let doneBytes = 0
  while (doneBytes < bytes.length) {
    signal.throwIfAborted()
    const left = bytes.subarray(doneBytes)
    const { bytesRead } = await file.read(left, 0, left.length, range.offsetBytes + doneBytes)
    if (bytesRead === 0) {
      throw new ArmError('InvalidDisk', 'The file got shorter while it was read. Start again.')
    }
    doneBytes += bytesRead
  }
  return bytes
}
