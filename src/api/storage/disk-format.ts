import type { ByteRange } from '../../domain/byte-range.ts'
import type { Digest } from '../../domain/digest.ts'
import { type OutputFormat, outputFormats } from '../../domain/output-formats.ts'
import type { SpaceId } from '../../domain/spaces.ts'
import type { ByteReader } from '../../formats/disk-file.ts'
import { openDiskOutput } from '../../formats/open-disk-output.ts'
import type { Plane } from '../../regions/plane.ts'
import { dataRanges, readImage } from '../../regions/read-image.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'

/** `format` of a SAS's URL: what the bytes are told in. A fixed VHD without one, as Azure. Throws BlobError. */
export function formatOf(url: URL): OutputFormat {
  const asked = url.searchParams.get('format')
  if (asked === null) return 'vhd'
  const format = outputFormats.find((one) => one === asked)
  if (format) return format
  throw new BlobError(
    'InvalidInput',
    `The format '${asked}' is not known. Ask for one of: ${outputFormats.join(', ')}.`,
  )
}

type Content = {
  readonly image: Digest
  readonly virtualSizeBytes: number
  readonly spaces: readonly SpaceId[]
}

/** The disk as a file of that format. Its layout needs a walk over the disk's tree, so it is kept for a while. */
export async function openFormatted(
  { plane, outputs, raw }: Pick<BlobRequest, 'plane' | 'outputs' | 'raw'>,
  content: Content,
  format: OutputFormat,
): Promise<ByteReader> {
  const key = [format, content.image, content.virtualSizeBytes, ...content.spaces].join(' ')
  const known = outputs.get(key)
  if (known) return known
  const idHex = content.image.slice(0, 32)
  const opened = await openDiskOutput(format, { disk: diskOf(plane, content), idHex }, raw.signal)
  outputs.set(key, opened)
  return opened
}

function diskOf(plane: Plane, { image, spaces, virtualSizeBytes }: Content): ByteReader {
  return {
    sizeBytes: virtualSizeBytes,
    read: (range: ByteRange, signal) => readImage(plane, { image, spaces, signal, ...range }),
    dataRanges: (signal) =>
      dataRanges(plane, { image, spaces, signal, fromBytes: 0, toBytes: virtualSizeBytes }),
  }
}
