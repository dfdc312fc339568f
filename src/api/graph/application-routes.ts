import { z } from 'zod'
import {
  KeyCredentials,
  mustBeCertificates,
  setCertificates,
} from '../../access/application-keys.ts'
import {
  ApplicationBody,
  addPassword,
  admitApplication,
  applicationNamed,
  changeApplication,
  createApplication,
  createServicePrincipal,
  deleteApplication,
  deleteServicePrincipal,
  PasswordBody,
  removePassword,
} from '../../access/applications.ts'
import { notThere } from '../../access/directory-ports.ts'
import { ArmError } from '../../domain/errors.ts'
import type { DirectoryApplication } from '../../domain/principals.ts'
import { audit, type GraphAnswer, type GraphAsked, type Route, readBody } from './asked.ts'
import { passwordBody } from './graph-bodies.ts'
import { answerList, objectAnswer } from './list-answer.ts'
import { applicationOf, principalOf } from './objects.ts'

const Keyed = z.object({ keyCredentials: KeyCredentials.nullish() })
const NewApplication = ApplicationBody.extend(Keyed.shape)
const ApplicationChange = NewApplication.partial()
const KeyId = z.object({ keyId: z.string().max(64) })
const NewPrincipal = z.object({ appId: z.string().max(64), accountEnabled: z.boolean().nullish() })
const PrincipalChange = Keyed.extend({ accountEnabled: z.boolean().exactOptional() })

export const applicationRoutes: readonly Route[] = [
  { method: 'GET', path: 'applications', run: (asked) => answerList(asked, 'applications') },
  { method: 'POST', path: 'applications', run: create },
  { method: 'GET', path: 'applications/*', run: show },
  { method: 'PATCH', path: 'applications/*', run: rename },
  { method: 'DELETE', path: 'applications/*', run: remove },
  { method: 'POST', path: 'applications/*/addPassword', run: addSecret },
  { method: 'POST', path: 'applications/*/removePassword', run: removeSecret },
  {
    method: 'GET',
    path: 'servicePrincipals',
    run: (asked) => answerList(asked, 'servicePrincipals'),
  },
  { method: 'POST', path: 'servicePrincipals', run: createPrincipal },
  { method: 'GET', path: 'servicePrincipals/*', run: showPrincipal },
  { method: 'PATCH', path: 'servicePrincipals/*', run: changePrincipal },
  { method: 'DELETE', path: 'servicePrincipals/*', run: removePrincipal },
  { method: 'POST', path: 'servicePrincipals/*/addPassword', run: addSecretOfPrincipal },
  { method: 'POST', path: 'servicePrincipals/*/removePassword', run: removeSecretOfPrincipal },
]

/** The application that the path names; a guest sees none. */
function named({ ports, ids, sight }: GraphAsked): Promise<DirectoryApplication> {
  const [id = ''] = ids
  if (sight !== 'all') throw notThere(id)
  return applicationNamed(ports, { by: 'clientId', id })
}

function principalNamed({ ports, ids, sight }: GraphAsked): Promise<DirectoryApplication> {
  const [id = ''] = ids
  if (sight !== 'all') throw notThere(id)
  return applicationNamed(ports, { by: 'id', id })
}

async function show(asked: GraphAsked): Promise<GraphAnswer> {
  const body = await applicationOf(asked.ports, await named(asked))
  return objectAnswer(asked, 'applications', { body })
}

async function create(asked: GraphAsked): Promise<GraphAnswer> {
  const sent = await readBody(asked, NewApplication)
  mustBeCertificates(asked.ports, sent.keyCredentials ?? [])
  const made = await createApplication(asked.ports, asked.caller, sent)
  await changeKeys(asked, made, sent)
  audit(asked, 'application-created', { appId: made.clientId, displayName: made.displayName })
  const body = await applicationOf(asked.ports, made)
  return objectAnswer(asked, 'applications', { body, status: 201 })
}

async function rename(asked: GraphAsked): Promise<GraphAnswer> {
  const sent = await readBody(asked, ApplicationChange)
  const { displayName, signInAudience } = sent
  const application = await named(asked)
  await changeKeys(asked, application, sent)
  const change = {
    ...(displayName !== undefined && { displayName }),
    ...(signInAudience && { isMultiTenant: signInAudience === 'AzureADMultipleOrgs' }),
  }
  await changeApplication(asked.ports, asked.caller, { application, change })
  audit(asked, 'application-changed', { appId: application.clientId, ...change })
  return { status: 204 }
}

async function changeKeys(
  asked: GraphAsked,
  application: DirectoryApplication,
  { keyCredentials: keys }: z.infer<typeof Keyed>,
): Promise<void> {
  if (!keys) return
  await setCertificates(asked.ports, asked.caller, { application, keys })
  audit(asked, 'certificates-set', { appId: application.clientId, certificates: keys.length })
}

async function remove(asked: GraphAsked): Promise<GraphAnswer> {
  const application = await named(asked)
  await deleteApplication(asked.ports, asked.caller, application)
  audit(asked, 'application-deleted', { appId: application.clientId })
  return { status: 204 }
}

async function addSecret(asked: GraphAsked): Promise<GraphAnswer> {
  return addSecretTo(asked, await named(asked))
}

async function addSecretOfPrincipal(asked: GraphAsked): Promise<GraphAnswer> {
  return addSecretTo(asked, await principalNamed(asked))
}

async function addSecretTo(
  asked: GraphAsked,
  application: DirectoryApplication,
): Promise<GraphAnswer> {
  const body = await readBody(asked, PasswordBody)
  const { credential, secret } = await addPassword(asked.ports, asked.caller, { application, body })
  audit(asked, 'secret-added', { appId: application.clientId, keyId: credential.id })
  return { status: 200, body: passwordBody(credential, secret) }
}

async function removeSecret(asked: GraphAsked): Promise<GraphAnswer> {
  return removeSecretFrom(asked, await named(asked))
}

async function removeSecretOfPrincipal(asked: GraphAsked): Promise<GraphAnswer> {
  return removeSecretFrom(asked, await principalNamed(asked))
}

async function removeSecretFrom(
  asked: GraphAsked,
  application: DirectoryApplication,
): Promise<GraphAnswer> {
  const { keyId } = await readBody(asked, KeyId)
  await removePassword(asked.ports, asked.caller, { application, keyId })
  audit(asked, 'secret-removed', { appId: application.clientId, keyId })
  return { status: 204 }
}

async function showPrincipal(asked: GraphAsked): Promise<GraphAnswer> {
  const body = await principalOf(asked.ports, await principalNamed(asked))
  return objectAnswer(asked, 'servicePrincipals', { body })
}

async function createPrincipal(asked: GraphAsked): Promise<GraphAnswer> {
  const { appId } = await readBody(asked, NewPrincipal)
  const made = await principalMade(asked, appId)
  audit(asked, 'service-principal-created', { appId: made.clientId, id: made.objectId })
  const body = await principalOf(asked.ports, made)
  return objectAnswer(asked, 'servicePrincipals', { body, status: 201 })
}

/** Of an application of this tenant, or of another one that is for several. */
async function principalMade(
  { ports, caller }: GraphAsked,
  appId: string,
): Promise<DirectoryApplication> {
  const wanted = [{ member: 'clientId', is: 'equal', text: appId.toLowerCase() }] as const
  const [own] = await ports.registrations.find({ wanted, after: undefined, rowsMax: 1 })
  return own ? createServicePrincipal(ports, caller, own) : admitApplication(ports, caller, appId)
}

async function changePrincipal(asked: GraphAsked): Promise<GraphAnswer> {
  const sent = await readBody(asked, PrincipalChange)
  const { accountEnabled } = sent
  const application = await principalNamed(asked)
  await changeKeys(asked, application, sent)
  if (accountEnabled === undefined && sent.keyCredentials) return { status: 204 }
  if (accountEnabled === undefined) throw new ArmError('BadRequest', 'Nothing is to be changed.')
  const change = { isEnabled: accountEnabled }
  await changeApplication(asked.ports, asked.caller, { application, change })
  audit(asked, 'service-principal-changed', { id: application.objectId, ...change })
  return { status: 204 }
}

async function removePrincipal(asked: GraphAsked): Promise<GraphAnswer> {
  const application = await principalNamed(asked)
  await deleteServicePrincipal(asked.ports, asked.caller, application)
  audit(asked, 'service-principal-deleted', { id: application.objectId })
  return { status: 204 }
}
