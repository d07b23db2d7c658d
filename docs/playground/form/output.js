"use strict";

/** How the gradient of the output passes on. */
{
  const { radios, range, section } = VQ.form;

  section("output", "Gradient of the output", [
    radios({
      id: "estimator", label: "Passed on by", setting: "estimator",
      options: [
        { value: "none", label: "Hidden" },
        { value: "identity", label: "Straight-through" },
        { value: "rotation", label: "Rotation" },
      ],
      says:
        "A gradient arrives at the embedding and passes on to the vector: as it is, or turned by the rotation " +
        "from vector to embedding and scaled likewise.",
      read: ["3", "27", "gradients"],
    }),
    range({
      id: "angle", label: "Direction that arrives", setting: "angle", from: 0, to: 360, step: 5, unit: "°",
      says: "The same gradient arrives at each embedding; its arrow is drawn there.",
      read: ["19"],
    }),
  ]);
}
