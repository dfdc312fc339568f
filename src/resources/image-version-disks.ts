import { type Problem, unless } from '../domain/problem.ts'
import type { JsonObject } from '../domain/rows.ts'
import { contentOf, sizeInGB } from './content.ts'
import type { DiskContent, Stored, Write } from './declaration.ts'
import { keptUri, shownUri } from './disk-file-source.ts'
import { sourceMovedIn } from './image-version-evolution.ts'
import type { ImageVersion, StorageProfile } from './image-version-schema.ts'
import { changeProblem, sameValue } from './merge.ts'
import { jsonOf, valueAt } from './paths.ts'

const target = 'galleryImageVersion.properties.storageProfile'

/**
 * The storage profile as it is stored. GET shows disks that a version got from a managed image or another version: sent
 * back without a source they are no wish of the client's.
 */
export function completeStorage({ next, before }: Write<ImageVersion>): StorageProfile | undefined {
  const profile = next.properties.storageProfile
  const stored = before?.doc.properties.storageProfile
  if (!profile) return undefined
  const { dataDiskImages, ...others } = profile
  const disks = dataDiskImages?.length ? { dataDiskImages } : {}
  if (!before) return withCaching({ ...others, ...disks })
  if (!stored?.source) return withKeptUris({ ...others, ...disks }, stored)
  return resent({ ...others, ...disks }, stored, before)
}

/** Defaults of disks with a source of their own: ReadWrite for the OS disk, ReadOnly for data disks. */
function withCaching(profile: StorageProfile): StorageProfile {
  const { osDiskImage, dataDiskImages } = profile
  if (profile.source) return profile
  return {
    ...(osDiskImage && { osDiskImage: { hostCaching: 'ReadWrite', ...osDiskImage } }),
    ...(dataDiskImages && {
      dataDiskImages: dataDiskImages.map((disk) => ({ hostCaching: 'ReadOnly', ...disk })),
    }),
  }
}

/** GET shows URLs without what may be a signature. */
function withKeptUris(profile: StorageProfile, stored: StorageProfile | undefined): StorageProfile {
  const { osDiskImage, dataDiskImages, ...others } = profile
  const storedAt = (lun: number) => stored?.dataDiskImages?.find((disk) => disk.lun === lun)
  return {
    ...others,
    ...(osDiskImage && { osDiskImage: withUri(osDiskImage, stored?.osDiskImage) }),
    ...(dataDiskImages && {
      dataDiskImages: dataDiskImages.map((disk) => withUri(disk, storedAt(disk.lun))),
    }),
  }
}

type WithSource = Pick<NonNullable<StorageProfile['osDiskImage']>, 'source'>

function withUri<Disk extends WithSource>(disk: Disk, stored: WithSource | undefined): Disk {
  const uri = keptUri(disk.source?.uri, stored?.source?.uri)
  return uri === undefined ? disk : { ...disk, source: { ...disk.source, uri } }
}

function shown<Disk extends WithSource>(disk: Disk): Disk {
  const uri = disk.source?.uri
  return uri === undefined ? disk : { ...disk, source: { ...disk.source, uri: shownUri(uri) } }
}

function resent(
  { osDiskImage, dataDiskImages, ...others }: StorageProfile,
  stored: StorageProfile,
  before: Stored<ImageVersion>,
): StorageProfile {
  const luns = contentOf(before.status).flatMap((disk) => disk.lun ?? [])
  const sameOs = osDiskImage === undefined || isAsShown(osDiskImage, undefined, before)
  const sameData =
    dataDiskImages === undefined ||
    (dataDiskImages.length === luns.length &&
      dataDiskImages.every((disk) => luns.includes(disk.lun) && isAsShown(disk, disk.lun, before)))
  const os = sameOs ? stored.osDiskImage : osDiskImage
  const data = sameData ? stored.dataDiskImages : dataDiskImages
  return {
    ...others,
    ...(os && { osDiskImage: os }),
    ...(data && { dataDiskImages: data }),
  }
}

function isAsShown(
  disk: NonNullable<StorageProfile['osDiskImage']>,
  lun: number | undefined,
  before: Stored<ImageVersion>,
): boolean {
  if (disk.source !== undefined) return false
  return disk.hostCaching === undefined || disk.hostCaching === cachingOf(before, lun)
}

/** Host caching as GET shows it: what the client said, else what the source had. */
function cachingOf(
  { doc, status }: Pick<Stored<ImageVersion>, 'doc' | 'status'>,
  lun: number | undefined,
): string {
  const { osDiskImage, dataDiskImages = [] } = doc.properties.storageProfile ?? {}
  const said = lun === undefined ? osDiskImage : dataDiskImages.find((disk) => disk.lun === lun)
  const kept = valueAt(status.hostCaching, lun === undefined ? 'os' : String(lun))
  const fallback = lun === undefined ? 'ReadWrite' : 'None'
  return said?.hostCaching ?? (typeof kept === 'string' ? kept : fallback)
}

/** The bits of a version never change: every difference of source, LUNs or caching. */
export function storageChangeProblems(write: Write<ImageVersion>): readonly Problem[] {
  const { next, before, apiVersion } = write
  if (!before) return []
  const old = before.doc.properties.storageProfile ?? {}
  const now = next.properties.storageProfile ?? {}
  const changed = (one: unknown, other: unknown, path: string): readonly Problem[] =>
    sameJson(one, other) ? [] : [changeProblem(path)]
  const sourcePath =
    apiVersion < sourceMovedIn
      ? 'galleryImageVersion.properties.publishingProfile.source.managedImage.id'
      : `${target}.source.id`
  const oldLuns = (old.dataDiskImages ?? []).map((disk) => disk.lun)
  const nowLuns = (now.dataDiskImages ?? []).map((disk) => disk.lun)
  const lunsSame = oldLuns.toSorted(byNumber).join() === nowLuns.toSorted(byNumber).join()
  const os = `${target}.osDiskImage`
  return [
    ...changed(old.source, now.source, sourcePath),
    ...changed(old.osDiskImage?.source, now.osDiskImage?.source, `${os}.source.id`),
    ...changed(old.osDiskImage?.hostCaching, now.osDiskImage?.hostCaching, `${os}.hostCaching`),
    ...unless(
      lunsSame,
      'InvalidParameter',
      `${target}.dataDiskImages`,
      `Adding new Data Disks or changing the LUN of a Data Disk in an existing Image is not allowed: the version has LUNs '${oldLuns.join(', ')}', the request '${nowLuns.join(', ')}'.`,
    ),
    ...(lunsSame ? (now.dataDiskImages ?? []) : []).flatMap((disk) => {
      const stored = old.dataDiskImages?.find((one) => one.lun === disk.lun)
      const path = `${target}.dataDiskImages[${disk.lun}]`
      return [
        ...changed(stored?.source, disk.source, `${path}.source.id`),
        ...changed(stored?.hostCaching, disk.hostCaching, `${path}.hostCaching`),
      ]
    }),
  ]
}

function byNumber(one: number, other: number): number {
  return one - other
}

function sameJson(one: unknown, other: unknown): boolean {
  const at = { path: '', by: {} }
  return sameValue(jsonOf({ value: one ?? {} }), jsonOf({ value: other ?? {} }), at)
}

/** The storage profile as GET shows it: sizes only once the version has been made. */
export function shownStorage(stored: Stored<ImageVersion>): JsonObject {
  const profile = stored.doc.properties.storageProfile ?? {}
  const disks = contentOf(stored.status)
  const hides = stored.state === 'Creating'
  if (profile.source && hides) return jsonOf({ source: profile.source })
  const sized = (disk: DiskContent | undefined): JsonObject =>
    hides || !disk ? {} : { sizeInGB: sizeInGB(disk.virtualSizeBytes) }
  if (profile.source) {
    const os = disks.find((disk) => disk.lun === undefined)
    const data = disks.filter((disk) => disk.lun !== undefined)
    const caching = (lun: number | undefined) => cachingOf(stored, lun)
    return jsonOf({
      source: profile.source,
      ...(os && { osDiskImage: { ...sized(os), hostCaching: caching(undefined), source: {} } }),
      ...(data.length > 0 && {
        dataDiskImages: data.map((disk) => ({
          lun: disk.lun ?? 0,
          ...sized(disk),
          hostCaching: caching(disk.lun),
        })),
      }),
    })
  }
  const of = (lun: number | undefined) => sized(disks.find((disk) => disk.lun === lun))
  const { osDiskImage, dataDiskImages } = profile
  return jsonOf({
    ...(osDiskImage && { osDiskImage: { ...of(undefined), ...shown(osDiskImage) } }),
    ...(dataDiskImages && {
      dataDiskImages: dataDiskImages.map((disk) => ({ ...of(disk.lun), ...shown(disk) })),
    }),
  })
}
