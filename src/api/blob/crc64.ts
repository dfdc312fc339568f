/** Reflected, as Azure Storage has it (CRC-64/NVME). */
const polynomial = 0x9a6c9329ac4bc9b5n

let tables: { readonly low: Uint32Array; readonly high: Uint32Array } | undefined

/** The CRC-64 of bytes that come in parts; `digest` is its eight bytes, lowest first, as base64. */
export function openCrc64() {
  tables ??= makeTables()
  const { low: lows, high: highs } = tables
  let low = 0xffffffff
  let high = 0xffffffff

  function add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      const slot = (low ^ (bytes[at] ?? 0)) & 0xff
      low = ((low >>> 8) | (high << 24)) ^ (lows[slot] ?? 0)
      high = (high >>> 8) ^ (highs[slot] ?? 0)
    }
  }

  function digest(): string {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(~low >>> 0, 0)
    bytes.writeUInt32LE(~high >>> 0, 4)
    return bytes.toString('base64')
  }

  return { add, digest }
}

function makeTables() {
  const low = new Uint32Array(256)
  const high = new Uint32Array(256)
  for (let slot = 0; slot < 256; slot++) {
    let crc = BigInt(slot)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n
    low[slot] = Number(crc & 0xffffffffn)
    high[slot] = Number(crc >> 32n)
  }
  return { low, high }
}
