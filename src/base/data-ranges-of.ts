/** `lseek(fd, offset, whence)`: the offset found, or -1. */
type Seek = (fd: number, offsetBytes: number, whence: number) => number | bigint

const seekData = 3
const seekHole = 4

/**
 * Where an open local file may hold data, ascending, inside `sizeBytes`; the rest are holes and reads as zeros.
 * Node has no SEEK_HOLE; koffi calls it on 64-bit Linux. Elsewhere, or without koffi, one range covers the file: the zero
 * test behind it finds the same holes, only slower.
 */
export async function* dataRangesOf(
  fd: number,
  sizeBytes: number,
): AsyncGenerator<{ readonly offsetBytes: number; readonly lengthBytes: number }> {
  const seek = await seeking
  let atBytes = 0
  while (atBytes < sizeBytes) {
    const found = seek ? nextData(seek, fd, atBytes) : { fromBytes: atBytes, toBytes: sizeBytes }
    if (!found || found.fromBytes >= sizeBytes) return
    const toBytes = Math.min(found.toBytes, sizeBytes)
    yield { offsetBytes: found.fromBytes, lengthBytes: toBytes - found.fromBytes }
    atBytes = toBytes
  }
}

/** The next run of data from `atBytes` on; none when only a hole follows. What cannot be told counts as data. */
function nextData(
  seek: Seek,
  fd: number,
  atBytes: number,
): { fromBytes: number; toBytes: number } | undefined {
  const fromBytes = Number(seek(fd, atBytes, seekData))
  // ENXIO, the file's end: any other failure would be a bad descriptor, which the next read tells better.
  if (fromBytes < 0) return undefined
  const toBytes = Number(seek(fd, fromBytes, seekHole))
  return { fromBytes, toBytes: toBytes > fromBytes ? toBytes : Number.POSITIVE_INFINITY }
}

/** Loaded once a process; undefined where it cannot be, which costs time and nothing else. */
const seeking: Promise<Seek | undefined> = loadSeek()

async function loadSeek(): Promise<Seek | undefined> {
  const wide = ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'].includes(process.arch)
  if (process.platform !== 'linux' || !wide) return undefined
  try {
    const { default: koffi } = await import('koffi')
    return koffi.load(null).func('int64_t lseek(int fd, int64_t offset, int whence)')
  } catch {
    return undefined
  }
}
