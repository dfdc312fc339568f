import { fileFault, openForReading, readPadded } from '../client/local-file.ts'

const footerBytes = 512
const headBytes = 32
const fixedType = 2

/** VMDKs whose bytes lie in other files. */
const inParts = ['COWD', '# Disk DescriptorFile']

/**
 * Looks whether a file can be a disk before anything is made or sent for it, and returns its length. What can only be seen
 * inside, the server finds. Throws ClientError `InvalidFile`.
 */
export async function checkDiskFile(path: string): Promise<number> {
  await using file = await openForReading(path)
  const found = await file.stat()
  if (found.isDirectory()) throw fileFault(path, 'it is a folder')
  if (!found.isFile()) throw fileFault(path, 'it is not a regular file')
  if (found.size < footerBytes) throw fileFault(path, 'it is too small to be a disk')
  const head = Buffer.alloc(headBytes)
  await readPadded(file, 0, head)
  const start = head.toString('latin1')
  if (inParts.some((magic) => start.startsWith(magic))) {
    const convert = `qemu-img convert -O qcow2 ${path} disk.qcow2`
    throw fileFault(path, `it is a VMDK of several files; join them: ${convert}`)
  }
  const footer = Buffer.alloc(footerBytes)
  await readPadded(file, found.size - footerBytes, footer)
  const isVhd = footer.toString('latin1', 0, 8) === 'conectix'
  if (!isVhd && (/\.vhd$/i.test(path) || start.startsWith('conectix')))
    throw fileFault(
      path,
      'it has no VHD footer at its end, so it is truncated or no VHD; if it is a raw disk, rename it to .raw',
    )
  if (isVhd && footer.readUInt32BE(60) === fixedType) {
    const wanted = Number(footer.readBigUInt64BE(48)) + footerBytes
    if (wanted !== found.size)
      throw fileFault(
        path,
        `a fixed VHD with this footer has ${wanted} bytes, but it has ${found.size}, so it is truncated or joined`,
      )
  }
  return found.size
}
