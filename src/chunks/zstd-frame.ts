const magic = 0xfd2f_b528
/** By the descriptor's lowest two bits. */
const dictionaryIdBytes = [0, 1, 2, 4]
/** By its highest two bits; the first is 1 in a single segment. */
const contentSizeBytes = [0, 2, 4, 8]
const blockHeaderBytes = 3
const rleBlock = 1

/**
 * How long the Zstandard frame is that begins here (RFC 8878, 3.1.1): magic 0, descriptor 4, window, dictionary id and
 * content size as the descriptor says, blocks of a 3-byte header each, checksum. undefined: no whole frame.
 */
export function zstdFrameBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < 6) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== magic) return undefined
  const descriptor = view.getUint8(4)
  const isSingle = (descriptor & 0x20) !== 0
  const sizeBytes = contentSizeBytes[descriptor >> 6] ?? 0
  const headerBytes = (dictionaryIdBytes[descriptor & 3] ?? 0) + sizeBytes
  let at = 5 + headerBytes + (isSingle ? (sizeBytes === 0 ? 1 : 0) : 1)
  for (let isLast = false; !isLast; ) {
    if (at + blockHeaderBytes > bytes.length) return undefined
    const header = view.getUint16(at, true) + view.getUint8(at + 2) * 0x1_0000
    isLast = (header & 1) !== 0
    at += blockHeaderBytes + (((header >> 1) & 3) === rleBlock ? 1 : header >> 3)
  }
  at += (descriptor & 4) !== 0 ? 4 : 0
  return at <= bytes.length ? at : undefined
}
