import { Account, Answers, IdempotencyKey, type AccountClaims, type IdempotentRequest } from '@ballast/service';
import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { totalOf, type Cart } from './cart.entity.js';
import { errors } from './cart.errors.js';
import { cartView, checkout, checkoutView, itemChange, type CartView, type Checkout, type ItemChange } from './cart.schema.js';
import { CartService } from './cart.service.js';

@Controller('cart')
export class CartController {
  constructor(private readonly carts: CartService) {}

  @Get()
  @Answers(200, cartView)
  async show(@Account() { accountId }: AccountClaims): Promise<CartView> {
    return view(await this.carts.show(accountId));
  }

  @Put('items/:sku')
  @Answers(200, cartView, [errors.UNKNOWN_SKU, errors.CURRENCY_MISMATCH, errors.FULL, errors.CHECKING_OUT])
  async putItem(
    @Account() { accountId }: AccountClaims,
    @Param('sku') sku: string,
    @Body({ schema: itemChange }) { quantity }: ItemChange,
  ): Promise<CartView> {
    return view(await this.carts.putItem(accountId, sku, quantity));
  }

  @Delete('items/:sku')
  @Answers(200, cartView, [errors.UNKNOWN_SKU, errors.CHECKING_OUT])
  async removeItem(@Account() { accountId }: AccountClaims, @Param('sku') sku: string): Promise<CartView> {
    return view(await this.carts.removeItem(accountId, sku));
  }

  @Post('checkout')
  @Answers(202, checkoutView, [errors.EMPTY, errors.CURRENCY_MISMATCH, errors.CHECKING_OUT])
  checkOut(
    @IdempotencyKey() request: IdempotentRequest,
    @Account() { accountId }: AccountClaims,
    @Body({ schema: checkout }) { paymentToken }: Checkout,
  ) {
    return this.carts.checkOut(request, accountId, paymentToken);
  }
}

const view = ({ id, lines, version }: Cart): CartView => ({
  cartId: id,
  items: lines,
  subtotal: lines.length > 0 ? totalOf(lines) : { amount: 0, currency: null },
  version,
});
