import { namesOf, type VersionGiven } from './named-image.ts'
import { resolveVersion } from './resolve-version.ts'
import type { Session } from './session.ts'

/** The path of the version that a command is about; `latest` is resolved. Throws UsageError, ClientError. */
export async function versionPath(
  session: Session,
  given: VersionGiven,
  signal: AbortSignal,
): Promise<string> {
  const asked = await namesOf(session, given, signal)
  if (asked.version !== 'latest') return session.paths.version(asked)
  const { name } = await resolveVersion(session, asked, { region: undefined, signal })
  return session.paths.version({ ...asked, version: String(name) })
}
