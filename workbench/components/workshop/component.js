const desks = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  let desk = desks.get(parentElement);
  if (!desk) {
    desk = data.mode === "control" ? new Control(parentElement) : new Workshop(parentElement);
    desks.set(parentElement, desk);
  }
  desk.use(component);
  return () => {
    desk.stop();
    desks.delete(parentElement);
  };
}
