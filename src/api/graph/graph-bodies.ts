import type { Credential, DirectoryApplication, Group, User } from '../../domain/principals.ts'

export type Body = Readonly<Record<string, unknown>>

const at = (ms: number): string => new Date(ms).toISOString()

export function userBody(user: User): Body {
  return {
    id: user.id,
    displayName: user.displayName,
    userPrincipalName: user.principalName,
    mail: user.mail ?? null,
    mailNickname: user.principalName.split('@')[0] ?? '',
    userType: user.kind,
    accountEnabled: user.isEnabled,
    creationType: user.guest ? 'Invitation' : null,
    externalUserState: user.guest?.state ?? null,
    externalUserStateChangeDateTime: user.guest ? at(user.guest.changedMs) : null,
    createdDateTime: at(user.createdMs),
  }
}

export function groupBody(group: Group): Body {
  return {
    id: group.id,
    displayName: group.displayName,
    description: group.description ?? null,
    mail: null,
    mailEnabled: false,
    mailNickname: group.displayName.replace(/[^\w.-]/g, ''),
    securityEnabled: true,
    groupTypes: [],
    createdDateTime: at(group.createdMs),
  }
}

export function servicePrincipalBody(one: DirectoryApplication, keys: readonly Credential[]): Body {
  return {
    id: one.objectId,
    appId: one.clientId,
    displayName: one.displayName,
    appDisplayName: one.displayName,
    appOwnerOrganizationId: one.ownerTenantId,
    signInAudience: audienceOf(one),
    accountEnabled: one.isEnabled,
    servicePrincipalNames: [one.clientId],
    servicePrincipalType: 'Application',
    keyCredentials: keys.filter(isCertificate).map(keyBody),
    passwordCredentials: passwordsOf(one, keys),
  }
}

const audienceOf = ({ isMultiTenant }: DirectoryApplication): string =>
  isMultiTenant ? 'AzureADMultipleOrgs' : 'AzureADMyOrg'

/** An application's object is named by its client id. */
export function applicationBody(one: DirectoryApplication, keys: readonly Credential[]): Body {
  return {
    id: one.clientId,
    appId: one.clientId,
    displayName: one.displayName,
    createdDateTime: at(one.createdMs),
    identifierUris: [],
    signInAudience: audienceOf(one),
    keyCredentials: keys.filter(isCertificate).map(keyBody),
    passwordCredentials: passwordsOf(one, keys),
  }
}

export function passwordBody(key: Credential, secretText: string | null): Body {
  return {
    keyId: key.id,
    displayName: key.displayName ?? null,
    hint: key.hint,
    secretText,
    startDateTime: at(key.startsMs),
    endDateTime: at(key.endsMs),
    customKeyIdentifier: null,
  }
}

const isCertificate = ({ kind }: Credential): boolean => kind === 'certificate'

function keyBody(key: Credential): Body {
  return {
    keyId: key.id,
    displayName: key.displayName ?? null,
    type: 'AsymmetricX509Cert',
    usage: 'Verify',
    key: null,
    startDateTime: at(key.startsMs),
    endDateTime: at(key.endsMs),
    customKeyIdentifier: key.hint,
  }
}

/** The secret that an application was made with has no end and is named by its client id. */
function passwordsOf(one: DirectoryApplication, keys: readonly Credential[]): readonly Body[] {
  const unending = { startDateTime: at(one.createdMs), endDateTime: '9999-12-31T00:00:00.000Z' }
  const first = {
    ...{ keyId: one.clientId, displayName: null, hint: null, secretText: null },
    ...{ ...unending, customKeyIdentifier: null },
  }
  const secrets = keys.filter((key) => !isCertificate(key))
  return [...(one.hasFirstSecret ? [first] : []), ...secrets.map((key) => passwordBody(key, null))]
}

/** With the type that Graph writes where objects of several kinds stand in one list. */
export function typed(kind: 'user' | 'group' | 'servicePrincipal', body: Body): Body {
  return { '@odata.type': `#microsoft.graph.${kind}`, ...body }
}
