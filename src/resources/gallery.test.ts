import { describe, expect, it } from 'vitest'
import {
  accepted,
  compute,
  gallery,
  openDesk,
  refused,
  settings,
  subscription,
} from '../../test/support/desk.ts'

const community = {
  publisherUri: 'https://contoso.example',
  publisherContact: 'images@contoso.example',
  eula: 'https://contoso.example/eula',
  publicNamePrefix: 'contoso',
}
const location = 'eastus2'
const at = (name: string) => `${compute}/galleries/${name}`

describe('galleries', () => {
  it.each(['a', 'myGallery', 'My.Gallery.1', 'x'.repeat(80)])('R2 takes the name %s', (name) => {
    expect(openDesk().put(at(name), { location }).problems).toEqual([])
  })

  it.each(['my-gallery', 'my_gallery', '.a', '_a', 'x'.repeat(81), 'a b', 'é'])(
    'R2 refuses the name %s',
    (name) => {
      expect(refused(openDesk().put(at(name), { location }))).toMatchObject([
        {
          code: 'InvalidParameter',
          target: 'galleryName',
          message: expect.stringMatching(/^Gallery name is invalid\. Allowed characters are/),
        },
      ])
    },
  )

  it.each(['a.', 'a_', 'a._'])('R2 refuses the name %s, and says what it ends with', (name) => {
    const trailing = name.slice(1)
    expect(refused(openDesk().put(at(name), { location }))).toMatchObject([
      {
        code: 'InvalidResourceName',
        message: `The provided resource name ${name} has these invalid trailing characters: ${trailing}. The name can not end with characters: ${trailing}`,
      },
    ])
  })

  it('R2 takes inner underscores under compatibility.galleryNames current, never dashes', () => {
    const compatibility = { galleryNames: 'current', endOfLife: 'enforce' } as const
    const desk = openDesk({ settings: { ...settings, compatibility } })
    expect(desk.put(at('my_gallery'), { location }).problems).toEqual([])
    expect(desk.put(at('my-gallery'), { location }).problems).toHaveLength(1)
    expect(desk.put(at('gallery_'), { location }).problems).toHaveLength(1)
  })

  it('R3 the name is one claim in the subscription, in any case and group', () => {
    const answer = openDesk().put(at('MyGallery'), { location })
    expect('change' in answer && answer.change.takes).toEqual([
      `gallery-name|${subscription}|mygallery`,
    ])
  })

  it('R5 has a region and an optional description; R101 the description is changed and cleared', () => {
    const desk = openDesk()
    accepted(desk.put(gallery, { location, properties: { description: 'first' } }))
    expect(desk.get(gallery).properties).toMatchObject({ description: 'first' })
    accepted(desk.put(gallery, { location, properties: { description: 'second' } }))
    expect(desk.get(gallery).properties).toMatchObject({ description: 'second' })
    accepted(desk.put(gallery, { location }))
    expect(desk.get(gallery).properties).not.toHaveProperty('description')
    expect(refused(desk.put(gallery, {}))).toMatchObject([{ code: 'LocationRequired' }])
  })

  it('shows its unique name, the location as sent, and tags only when tags were sent', () => {
    const desk = openDesk()
    accepted(desk.put(gallery, { location: 'East US 2' }))
    expect(desk.get(gallery)).toMatchObject({
      location: 'East US 2',
      properties: { identifier: { uniqueName: `${subscription}-MYGALLERY` } },
    })
    expect(desk.get(gallery)).not.toHaveProperty('tags')
    accepted(desk.put(gallery, { location: 'East US 2', tags: {} }))
    expect(desk.get(gallery).tags).toEqual({})
  })

  it('R80 counts once in its subscription and region', () => {
    const answer = openDesk().put(gallery, { location: 'East US 2' })
    expect('change' in answer && answer.change.counts).toMatchObject([
      { scope: `${subscription}|eastus2`, name: 'Gallery', by: 1, limit: 100 },
    ])
  })

  it('keeps sharing that a PUT leaves out, and refuses to share otherwise', () => {
    const desk = openDesk()
    const shared = { sharingProfile: { permissions: 'groups' } }
    accepted(desk.put(gallery, { location, properties: shared }))
    accepted(desk.put(gallery, { location, properties: { identifier: {} } }))
    expect(desk.get(gallery).properties).toMatchObject({
      sharingProfile: { permissions: 'Groups' },
    })
    const other = { sharingProfile: { permissions: 'Private' } }
    expect(refused(desk.put(gallery, { location, properties: other }))).toMatchObject([
      {
        code: 'PropertyChangeNotAllowed',
        target: 'gallery.properties.sharingProfile.permissions',
      },
    ])
  })

  it('a community gallery gets its public name at once and keeps it', () => {
    const desk = openDesk()
    const communityGalleryInfo = {
      publicNamePrefix: 'contoso',
      eula: 'https://e',
      publisherUri: 'u',
      publisherContact: 'images@contoso.example',
    }
    const body = {
      location,
      properties: { sharingProfile: { permissions: 'Community', communityGalleryInfo } },
    }
    accepted(desk.put(gallery, body))
    const first = desk.get(gallery)
    expect(first.properties).toMatchObject({
      sharingProfile: {
        communityGalleryInfo: {
          communityGalleryEnabled: false,
          publicNames: [expect.stringMatching(/^contoso-[0-9a-f-]{36}$/)],
        },
      },
    })
    accepted(desk.put(gallery, first))
    expect(desk.get(gallery)).toEqual(first)
  })

  it.each([
    [{ publisherUri: ' ' }, 'publisherUri', /missing/],
    [{ publisherContact: 'nobody' }, 'publisherContact', /e-mail address/],
    [{ eula: null }, 'eula', /missing/],
    [{ publicNamePrefix: 'a/b' }, 'publicNamePrefix', /no prefix of a public name/],
    [{ publicNamePrefix: 'p'.repeat(65) }, 'publicNamePrefix', /1 to 64/],
  ])('a community gallery with %j is refused', (wrong, member, says) => {
    const communityGalleryInfo = { ...community, ...wrong }
    const sharingProfile = { permissions: 'Community', communityGalleryInfo }
    const target = `gallery.properties.sharingProfile.communityGalleryInfo.${member}`
    expect(
      refused(openDesk().put(gallery, { location, properties: { sharingProfile } })),
    ).toMatchObject([{ code: 'InvalidParameter', target, message: expect.stringMatching(says) }])
  })

  it('what a community is told belongs to a community gallery, and its prefix stays', () => {
    const desk = openDesk()
    const of = (permissions: string, communityGalleryInfo: object) => ({
      location,
      properties: { sharingProfile: { permissions, communityGalleryInfo } },
    })
    expect(refused(desk.put(gallery, of('Groups', community)))).toMatchObject([
      { code: 'InvalidParameter', message: expect.stringContaining("'Groups'") },
    ])
    accepted(desk.put(gallery, of('Community', community)))
    accepted(desk.put(gallery, of('Community', { ...community, eula: 'another' })))
    // As a release before direct sharing may have stored it.
    const { doc } = desk.rowAt(gallery)
    const partly = of('Community', { eula: 'e' })
    desk.edit(gallery, { doc: JSON.parse(JSON.stringify(partly)) })
    accepted(desk.put(gallery, desk.get(gallery)))
    desk.edit(gallery, { doc })
    expect(
      refused(desk.put(gallery, of('Community', { ...community, publicNamePrefix: 'other' }))),
    ).toMatchObject([{ code: 'PropertyChangeNotAllowed' }])
    expect(desk.deleteProblems(gallery, '2026-11-21')).toMatchObject([
      { code: 'OperationNotAllowed', message: expect.stringContaining('Reset its sharing first') },
    ])
  })

  it('a PATCH merges: tags and description, null removes', () => {
    const desk = openDesk()
    const properties = { description: 'd' }
    accepted(desk.put(gallery, { location, tags: { a: '1', b: '2' }, properties }))
    accepted(desk.patch(gallery, { tags: { a: null, c: '3' } }))
    expect(desk.get(gallery)).toMatchObject({ tags: { b: '2', c: '3' }, properties })
    accepted(desk.patch(gallery, { properties: { description: null } }))
    expect(desk.get(gallery).properties).not.toHaveProperty('description')
  })

  it.each([
    [{ location, tags: { a: 1 } }, 'gallery.tags.a'],
    [{ location, properties: { description: 5 } }, 'gallery.properties.description'],
    [
      { location, properties: { softDeletePolicy: { isSoftDeleteEnabled: 'maybe' } } },
      'gallery.properties.softDeletePolicy.isSoftDeleteEnabled',
    ],
  ])('refuses a wrong type in %j with its path', (body, target) => {
    expect(refused(openDesk().put(gallery, body))).toMatchObject([
      { code: 'InvalidRequestContent', target },
    ])
  })

  it.each([{ 'a<b': 'x' }, { '': 'x' }, { ['n'.repeat(513)]: 'x' }, { a: 'v'.repeat(257) }])(
    'refuses the tags %j',
    (tags) => {
      expect(refused(openDesk().put(gallery, { location, tags }))).toMatchObject([
        { code: 'InvalidTagNameCharacters' },
      ])
    },
  )

  it('refuses a body that is no object, or nested without end', () => {
    let deep: unknown = 1
    for (let level = 0; level < 100; level++) deep = [deep]
    for (const body of [[], 'x', null, 7, { location, x: deep }]) {
      expect(refused(openDesk().put(gallery, body))).toMatchObject([
        { code: 'InvalidRequestContent' },
      ])
    }
  })
})
