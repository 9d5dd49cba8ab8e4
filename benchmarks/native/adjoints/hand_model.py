"""Gradient of the HAND objective by pose: transforms, cosines and sines are kept, points reversed at once."""

import numpy as np

from benchmarks.native.adjoints.compiled import compiled


@compiled
def affine_product(left, right, out):
    for r in range(3):
        for c in range(4):
            out[r, c] = left[r, 0] * right[0, c] + left[r, 1] * right[1, c] + left[r, 2] * right[2, c]
        out[r, 3] += left[r, 3]


@compiled
def affine_left_adjoint(out_bar, right, left_bar):
    for r in range(3):
        for k in range(3):
            total = 0.0
            for c in range(4):
                total += out_bar[r, c] * right[k, c]
            left_bar[r, k] += total
        left_bar[r, 3] += out_bar[r, 3]


@compiled
def affine_right_adjoint(out_bar, left, right_bar):
    for k in range(3):
        for c in range(4):
            right_bar[k, c] = (
                left[0, k] * out_bar[0, c] + left[1, k] * out_bar[1, c] + left[2, k] * out_bar[2, c]
            )


@compiled
def rotation_about(a, b, c):
    """The matrix by rows, the unit axis, and the angle with its cosine and sine."""
    angle = np.sqrt(a * a + b * b + c * c)
    if angle < 1e-4:
        return (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0), angle, 1.0, 0.0
    x, y, z = a / angle, b / angle, c / angle
    cosine, sine = np.cos(angle), np.sin(angle)
    rest = 1.0 - cosine
    matrix = (
        x * x * rest + cosine, x * y * rest - z * sine, x * z * rest + y * sine,
        x * y * rest + z * sine, y * y * rest + cosine, y * z * rest - x * sine,
        x * z * rest - y * sine, y * z * rest + x * sine, z * z * rest + cosine,
    )  # fmt: skip
    return matrix, (x, y, z), angle, cosine, sine


@compiled
def rotation_adjoint(m, axis, angle, cosine, sine):
    """The cotangent of the rotation vector from that of the matrix."""
    if angle < 1e-4:
        return 0.0, 0.0, 0.0
    x, y, z = axis
    rest = 1.0 - cosine
    xy, xz, yz = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    turn_x, turn_y, turn_z = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    rest_bar = x * x * m[0, 0] + y * y * m[1, 1] + z * z * m[2, 2] + x * y * xy + x * z * xz + y * z * yz
    cosine_bar = m[0, 0] + m[1, 1] + m[2, 2] - rest_bar
    sine_bar = x * turn_x + y * turn_y + z * turn_z
    x_bar = rest * (2.0 * x * m[0, 0] + y * xy + z * xz) + sine * turn_x
    y_bar = rest * (2.0 * y * m[1, 1] + x * xy + z * yz) + sine * turn_y
    z_bar = rest * (2.0 * z * m[2, 2] + x * xz + y * yz) + sine * turn_z
    angle_bar = cosine * sine_bar - sine * cosine_bar
    angle_bar -= (x * x_bar + y * y_bar + z * z_bar) / angle
    return x_bar / angle + angle_bar * x, y_bar / angle + angle_bar * y, z_bar / angle + angle_bar * z


@compiled
def turn(base, cosine, sine, out):
    """`base` times the rotations about z, y and x (angles in the order x, z, y)."""
    cx, cz, cy = cosine
    sx, sz, sy = sine
    for r in range(3):
        b0, b1, b2 = base[r, 0], base[r, 1], base[r, 2]
        b0, b1 = b0 * cz + b1 * sz, b1 * cz - b0 * sz
        b0, b2 = b0 * cy - b2 * sy, b0 * sy + b2 * cy
        out[r, 0], out[r, 1], out[r, 2] = b0, b1 * cx + b2 * sx, b2 * cx - b1 * sx
        out[r, 3] = base[r, 3]


@compiled
def turn_adjoint(base, cosine, sine, out, out_bar):
    """The cotangents of the angles about x and z; nothing else of a pose is an input."""
    cx, cz, cy = cosine
    sx, sz, sy = sine
    x_bar, z_bar = 0.0, 0.0
    for r in range(3):
        # A rotation's derivative is the rotated row, turned by a right angle.
        x_bar += out_bar[r, 1] * out[r, 2] - out_bar[r, 2] * out[r, 1]
        b1_bar = out_bar[r, 1] * cx - out_bar[r, 2] * sx
        b2_bar = out_bar[r, 1] * sx + out_bar[r, 2] * cx
        b0_bar = out_bar[r, 0] * cy + b2_bar * sy
        b0 = base[r, 0] * cz + base[r, 1] * sz
        b1 = base[r, 1] * cz - base[r, 0] * sz
        z_bar += b0_bar * b1 - b1_bar * b0
    return x_bar, z_bar


@compiled
def pose_forward(
    theta, parents, base_relatives, inverse_base_absolutes, angles, relatives, absolutes, transforms
):
    """Fill `angles` with cosines and sines, and the three transforms of each bone."""
    bones = parents.shape[0]
    pose = np.zeros((bones, 3))
    for finger in range(5):
        first = 4 * finger + 2
        pose[first, 0], pose[first, 1] = theta[6 + 4 * finger], theta[7 + 4 * finger]
        pose[first + 1, 0], pose[first + 2, 0] = theta[8 + 4 * finger], theta[9 + 4 * finger]
    for bone in range(bones):
        for k in range(3):
            angles[bone, 0, k], angles[bone, 1, k] = np.cos(pose[bone, k]), np.sin(pose[bone, k])
        turn(base_relatives[bone], triple(angles[bone, 0]), triple(angles[bone, 1]), relatives[bone])
        if parents[bone] < 0:
            absolutes[bone] = relatives[bone]
        else:
            affine_product(absolutes[parents[bone]], relatives[bone], absolutes[bone])
        affine_product(absolutes[bone], inverse_base_absolutes[bone], transforms[bone])


@compiled
def triple(row):
    return row[0], row[1], row[2]


@compiled
def skin(transforms, positions, weights, moved):
    """Every vertex, moved by the weighted mean of the bones; a bone at a time, its entries in registers."""
    moved[:] = 0.0
    for bone in range(transforms.shape[0]):
        t = transforms[bone]
        t00, t01, t02, t03 = t[0, 0], t[0, 1], t[0, 2], t[0, 3]
        t10, t11, t12, t13 = t[1, 0], t[1, 1], t[1, 2], t[1, 3]
        t20, t21, t22, t23 = t[2, 0], t[2, 1], t[2, 2], t[2, 3]
        for i in range(positions.shape[0]):
            px, py, pz, weight = positions[i, 0], positions[i, 1], positions[i, 2], weights[i, bone]
            moved[i, 0] += weight * (t00 * px + t01 * py + t02 * pz + t03)
            moved[i, 1] += weight * (t10 * px + t11 * py + t12 * pz + t13)
            moved[i, 2] += weight * (t20 * px + t21 * py + t22 * pz + t23)


@compiled
def skin_adjoint(moved_bar, positions, weights, transforms_bar):
    for bone in range(transforms_bar.shape[0]):
        t00 = t01 = t02 = t03 = t10 = t11 = t12 = t13 = t20 = t21 = t22 = t23 = 0.0
        for i in range(positions.shape[0]):
            px, py, pz, weight = positions[i, 0], positions[i, 1], positions[i, 2], weights[i, bone]
            x, y, z = weight * moved_bar[i, 0], weight * moved_bar[i, 1], weight * moved_bar[i, 2]
            t00 += x * px
            t01 += x * py
            t02 += x * pz
            t03 += x
            t10 += y * px
            t11 += y * py
            t12 += y * pz
            t13 += y
            t20 += z * px
            t21 += z * py
            t22 += z * pz
            t23 += z
        t_bar = transforms_bar[bone]
        t_bar[0, 0], t_bar[0, 1], t_bar[0, 2], t_bar[0, 3] = t00, t01, t02, t03
        t_bar[1, 0], t_bar[1, 1], t_bar[1, 2], t_bar[1, 3] = t10, t11, t12, t13
        t_bar[2, 0], t_bar[2, 1], t_bar[2, 2], t_bar[2, 3] = t20, t21, t22, t23


@compiled
def hand_primal(theta, parents, base_relatives, inverse_base_absolutes, base_positions, weights, points):
    bones = parents.shape[0]
    angles, relatives = np.empty((bones, 2, 3)), np.empty((bones, 3, 4))
    absolutes, transforms = np.empty((bones, 3, 4)), np.empty((bones, 3, 4))
    pose_forward(
        theta, parents, base_relatives, inverse_base_absolutes, angles, relatives, absolutes, transforms
    )
    (r0, r1, r2, r3, r4, r5, r6, r7, r8), _, _, _, _ = rotation_about(theta[0], theta[1], theta[2])
    moved = np.empty(points.shape)
    skin(transforms, base_positions, weights, moved)
    total = 0.0
    for i in range(points.shape[0]):
        x, y, z = moved[i, 0], moved[i, 1], moved[i, 2]
        ex = r0 * x + r1 * y + r2 * z + theta[3] - points[i, 0]
        ey = r3 * x + r4 * y + r5 * z + theta[4] - points[i, 1]
        ez = r6 * x + r7 * y + r8 * z + theta[5] - points[i, 2]
        total += 0.5 * (ex * ex + ey * ey + ez * ez)
    return total


@compiled
def hand_gradient(theta, parents, base_relatives, inverse_base_absolutes, base_positions, weights, points):
    bones = parents.shape[0]
    angles, relatives = np.empty((bones, 2, 3)), np.empty((bones, 3, 4))
    absolutes, transforms = np.empty((bones, 3, 4)), np.empty((bones, 3, 4))
    pose_forward(
        theta, parents, base_relatives, inverse_base_absolutes, angles, relatives, absolutes, transforms
    )
    rotation, axis, angle, cosine, sine = rotation_about(theta[0], theta[1], theta[2])
    r0, r1, r2, r3, r4, r5, r6, r7, r8 = rotation

    theta_bar, rotation_bar = np.zeros(theta.shape[0]), np.zeros((3, 3))
    transforms_bar, absolutes_bar = np.empty((bones, 3, 4)), np.zeros((bones, 3, 4))
    moved = np.empty(points.shape)
    skin(transforms, base_positions, weights, moved)
    total = 0.0
    for i in range(points.shape[0]):
        x, y, z = moved[i, 0], moved[i, 1], moved[i, 2]
        ex = r0 * x + r1 * y + r2 * z + theta[3] - points[i, 0]
        ey = r3 * x + r4 * y + r5 * z + theta[4] - points[i, 1]
        ez = r6 * x + r7 * y + r8 * z + theta[5] - points[i, 2]
        total += 0.5 * (ex * ex + ey * ey + ez * ez)
        theta_bar[3] += ex
        theta_bar[4] += ey
        theta_bar[5] += ez
        rotation_bar[0, 0] += ex * x
        rotation_bar[0, 1] += ex * y
        rotation_bar[0, 2] += ex * z
        rotation_bar[1, 0] += ey * x
        rotation_bar[1, 1] += ey * y
        rotation_bar[1, 2] += ey * z
        rotation_bar[2, 0] += ez * x
        rotation_bar[2, 1] += ez * y
        rotation_bar[2, 2] += ez * z
        moved[i, 0] = r0 * ex + r3 * ey + r6 * ez
        moved[i, 1] = r1 * ex + r4 * ey + r7 * ez
        moved[i, 2] = r2 * ex + r5 * ey + r8 * ez
    # By now `moved` holds its own adjoint.
    skin_adjoint(moved, base_positions, weights, transforms_bar)

    theta_bar[0], theta_bar[1], theta_bar[2] = rotation_adjoint(rotation_bar, axis, angle, cosine, sine)
    relative_bar, pose_bar = np.empty((3, 4)), np.zeros((bones, 2))
    for bone in range(bones - 1, -1, -1):
        affine_left_adjoint(transforms_bar[bone], inverse_base_absolutes[bone], absolutes_bar[bone])
        if parents[bone] < 0:
            relative_bar[:] = absolutes_bar[bone]
        else:
            parent = parents[bone]
            affine_left_adjoint(absolutes_bar[bone], relatives[bone], absolutes_bar[parent])
            affine_right_adjoint(absolutes_bar[bone], absolutes[parent], relative_bar)
        pose_bar[bone, 0], pose_bar[bone, 1] = turn_adjoint(
            base_relatives[bone],
            triple(angles[bone, 0]),
            triple(angles[bone, 1]),
            relatives[bone],
            relative_bar,
        )
    for finger in range(5):
        first = 4 * finger + 2
        theta_bar[6 + 4 * finger], theta_bar[7 + 4 * finger] = pose_bar[first, 0], pose_bar[first, 1]
        theta_bar[8 + 4 * finger] = pose_bar[first + 1, 0]
        theta_bar[9 + 4 * finger] = pose_bar[first + 2, 0]
    return total, (theta_bar,)
