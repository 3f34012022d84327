/** Injects the service's frozen configuration: `@Inject(CONFIG) private readonly config: CartConfig`. */
export const CONFIG = Symbol('CONFIG');
