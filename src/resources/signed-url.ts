import { z } from 'zod'
import { fileEnding, type OutputFormat, outputFormats } from '../domain/output-formats.ts'
import { type Problem, unless } from '../domain/problem.ts'
import { sameType } from '../domain/resource-id.ts'
import type { ResourceRow, SasRow } from '../domain/rows.ts'
import { date, parseTime, wholeNumber, word } from './coerce.ts'
import { contentOf } from './content.ts'
import type { Settings } from './declaration.ts'

const definitionType = 'Microsoft.Compute/galleries/images'
const versionType = 'Microsoft.Compute/galleries/images/versions'
const applicationVersionType = 'Microsoft.Compute/galleries/applications/versions'
/** What a grant of a package has in place of a format of disks: the file as it was taken in. */
const packageFormat = 'file'

/** What a POST of a signed URL says; `{}` is a fixed VHD of the OS disk for 30 days. */
export const SignedUrlRequest = z.object({
  format: word(outputFormats).exactOptional(),
  /** A data disk; left out, the OS disk. */
  lun: wholeNumber.exactOptional(),
  /** Of a definition: where `latest` is looked for; left out, anywhere. Bytes come from there when they lie there. */
  location: z.string().exactOptional(),
  expiresOn: date.exactOptional(),
})
export type SignedUrlRequest = z.infer<typeof SignedUrlRequest>

const dayMs = 24 * 3_600_000
const defaultDays = 30
/** As long as machines are configured for. It gives what its maker may read, so it ends with their access at the latest. */
const daysMax = 3_660

/** True for a version, of an image or of an application, and for an image definition, which stands for its latest version. */
export function hasSignedUrls(type: string): boolean {
  return isVersionType(type) || sameType(type, definitionType)
}

export function isVersionType(type: string): boolean {
  return sameType(type, versionType) || sameType(type, applicationVersionType)
}

/** How a grant tells its bytes: a fixed VHD unless something else was asked for; a package as it is. */
export function signedFormat(type: string, asked: OutputFormat | undefined): string {
  return sameType(type, applicationVersionType) ? packageFormat : (asked ?? 'vhd')
}

/** When it ends, epoch milliseconds. */
export function expiryOf({ expiresOn }: SignedUrlRequest, now: Date): number {
  const asked = expiresOn === undefined ? undefined : parseTime(expiresOn)
  return asked ?? now.getTime() + defaultDays * dayMs
}

/** Every reason why there may be no such URL of this version or definition. */
export function signedUrlProblems(
  row: ResourceRow,
  body: SignedUrlRequest,
  { settings, now }: { readonly settings: Settings; readonly now: Date },
): readonly Problem[] {
  const { lun, location, format } = body
  const luns = contentOf(row.status).map((disk) => disk.lun)
  const isPackage = sameType(row.type, applicationVersionType)
  const part = isPackage ? 'default configuration' : 'data disk'
  const leftMs = expiryOf(body, now) - now.getTime()
  return [
    ...unless(
      !isVersionType(row.type) || luns.includes(lun),
      'InvalidParameter',
      'lun',
      lun === undefined
        ? `The version '${row.name}' has no content yet. Wait until it is complete in a region.`
        : `The version '${row.name}' has no ${part} with LUN ${lun}.`,
    ),
    ...unless(
      !isPackage || format === undefined,
      'InvalidParameter',
      'format',
      'A package is given as the file that it is. Leave out format.',
    ),
    ...unless(
      location === undefined || settings.regions.find(location) !== undefined,
      'InvalidParameter',
      'location',
      `'${location}' is not a region of this installation.`,
    ),
    ...unless(
      leftMs > 0 && leftMs <= daysMax * dayMs,
      'InvalidParameter',
      'expiresOn',
      `expiresOn must lie in the future, at most ${daysMax} days ahead.`,
    ),
  ]
}

/** What the bytes behind a URL are called as a file: `debian-1.0.0.qcow2`, `debian-latest-lun0.vhd`, `agent-1.0.0` of an application. */
export function signedFileName(key: string, image: NonNullable<SasRow['image']>): string {
  const { lun, format } = image
  const names = key.split('/')
  const [definition = '', version = 'latest'] =
    names.at(-2) === 'versions' ? [names.at(-3), names.at(-1)] : [names.at(-1)]
  const disk = lun === undefined ? '' : `-lun${lun}`
  if (format === packageFormat) return `${definition}-${version}${disk}`
  // Stored from a request that named one of them.
  return `${definition}-${version}${disk}.${fileEnding(format as OutputFormat)}`
}
