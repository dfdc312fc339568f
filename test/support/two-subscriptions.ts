/** The subscription that test installations have, and another one beside it. */
const first = '00000000-0000-4000-8000-000000000001'
export const second = 'bbbbbbbb-0000-4000-8000-000000000002'

/** As the settings name them. */
export const twoSubscriptions = {
  subscriptions: [
    { id: first, displayName: 'One' },
    { id: second, displayName: 'Two' },
  ],
}
