import { openArm } from './arm.ts'
import { makeDefinition } from './main-job.ts'
import { openTestInstallation } from './test-installation.ts'

/** An installation with a gallery, a definition and an uploaded disk (its id), from which versions are made. */
export async function openReadyGallery() {
  const vitrine = await openTestInstallation()
  const arm = openArm(vitrine)
  await makeDefinition(vitrine)
  const disk = await arm.upload('source', new Uint8Array(2 * 1024 * 1024))
  return { vitrine, arm, disk }
}
