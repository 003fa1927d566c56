export function AddGatewayPage() {
  return null;
}
