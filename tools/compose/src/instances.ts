import type { ServiceManifest } from '@ballast/service/manifest';

export type Profile = 'lite' | 'ha';
export const profiles: readonly Profile[] = ['lite', 'ha'];

/** Every service listens on this port in its container; the manifest's is that of `npm start`. */
export const PORT = 3000;

/** The containers of a service: `cart` in lite, `cart-1` and `cart-2` in ha. All of them answer to the name `cart`. */
export function instancesOf({ name }: ServiceManifest, profile: Profile): string[] {
  return profile === 'lite' ? [name] : [`${name}-1`, `${name}-2`];
}

/** A service that others reach from outside. */
export const isPublic = ({ routes }: ServiceManifest): boolean => routes.length > 0;
