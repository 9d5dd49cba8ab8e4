"""Hand tracking with given correspondences (the HAND simple objective of ADBench): half the sum of squares.

``theta`` holds a rotation vector, a translation, and for each of five fingers the flexion and abduction of
its second bone and the flexions of its third and fourth. ``base_positions`` and ``weights`` are of the
vertices that ``points`` were observed of: each moves with a weighted mean of the bones.

Source: Srajer, Kukelova, Fitzgibbon, 2018, §4.3; Taylor et al., *User-specific hand modeling from monocular
depth sequences*, 2014.
"""

import numpy as np


def pose_of(theta, bones):
    """Angles about x, z and y of each bone."""
    pose = np.zeros((bones, 3))
    for finger in range(5):
        first = 4 * finger + 2
        pose[first, :2] = theta[6 + 4 * finger : 8 + 4 * finger]
        pose[first + 1, 0] = theta[8 + 4 * finger]
        pose[first + 2, 0] = theta[9 + 4 * finger]
    return pose


def turned(angles):
    """The rotation about x, then y, then z, as a transform of homogeneous coordinates."""
    cosine, sine = np.cos(angles), np.sin(angles)
    about_x, about_y, about_z = np.eye(4), np.eye(4), np.eye(4)
    about_x[1, 1], about_x[1, 2], about_x[2, 1], about_x[2, 2] = cosine[0], -sine[0], sine[0], cosine[0]
    about_y[0, 0], about_y[0, 2], about_y[2, 0], about_y[2, 2] = cosine[2], sine[2], -sine[2], cosine[2]
    about_z[0, 0], about_z[0, 1], about_z[1, 0], about_z[1, 1] = cosine[1], -sine[1], sine[1], cosine[1]
    return about_z @ about_y @ about_x


def rotation_about(vector):
    """Rodrigues' formula."""
    angle = np.sqrt(np.sum(vector * vector))
    if angle < 1e-4:
        return np.eye(3)
    x, y, z = vector / angle
    cosine, sine = np.cos(angle), np.sin(angle)
    rest = 1.0 - cosine
    return np.array(
        [
            [x * x * rest + cosine, x * y * rest - z * sine, x * z * rest + y * sine],
            [x * y * rest + z * sine, y * y * rest + cosine, y * z * rest - x * sine],
            [x * z * rest - y * sine, y * z * rest + x * sine, z * z * rest + cosine],
        ]
    )


def hand_slices(theta, parents, base_relatives, inverse_base_absolutes, base_positions, weights, points):
    bones = parents.shape[0]
    pose = pose_of(theta, bones)
    absolutes = np.zeros((bones, 4, 4))
    positions = np.zeros(base_positions.shape)
    for bone in range(bones):
        relative = base_relatives[bone] @ turned(pose[bone])
        if parents[bone] < 0:
            absolutes[bone] = relative
        else:
            absolutes[bone] = absolutes[parents[bone]] @ relative
        transform = absolutes[bone] @ inverse_base_absolutes[bone]
        moved = base_positions @ transform[:3, :3].T + transform[:3, 3]
        positions += weights[:, bone : bone + 1] * moved
    errors = points - (positions @ rotation_about(theta[:3]).T + theta[3:6])
    return 0.5 * np.sum(errors**2)


def hand_loops(theta, parents, base_relatives, inverse_base_absolutes, base_positions, weights, points):
    bones = parents.shape[0]
    pose = pose_of(theta, bones)
    relative, absolutes, transforms = np.zeros((3, 4)), np.zeros((bones, 3, 4)), np.zeros((bones, 3, 4))
    for bone in range(bones):
        cx, cz, cy = np.cos(pose[bone, 0]), np.cos(pose[bone, 1]), np.cos(pose[bone, 2])
        sx, sz, sy = np.sin(pose[bone, 0]), np.sin(pose[bone, 1]), np.sin(pose[bone, 2])
        for r in range(3):
            # A row of the base, times the rotations about z, y and x.
            b0, b1, b2 = base_relatives[bone, r, 0], base_relatives[bone, r, 1], base_relatives[bone, r, 2]
            b0, b1 = b0 * cz + b1 * sz, b1 * cz - b0 * sz
            b0, b2 = b0 * cy - b2 * sy, b0 * sy + b2 * cy
            relative[r, 0] = b0
            relative[r, 1] = b1 * cx + b2 * sx
            relative[r, 2] = b2 * cx - b1 * sx
            relative[r, 3] = base_relatives[bone, r, 3]
        absolute = absolutes[bone]
        if parents[bone] < 0:
            absolute[:] = relative
        else:
            affine_product(absolutes[parents[bone]], relative, absolute)
        affine_product(absolute, inverse_base_absolutes[bone], transforms[bone])
    rotation = rotation_about(theta[:3])
    total = 0.0
    for i in range(points.shape[0]):
        x, y, z = 0.0, 0.0, 0.0
        for bone in range(bones):
            weight, t = weights[i, bone], transforms[bone]
            px, py, pz = base_positions[i, 0], base_positions[i, 1], base_positions[i, 2]
            x += weight * (t[0, 0] * px + t[0, 1] * py + t[0, 2] * pz + t[0, 3])
            y += weight * (t[1, 0] * px + t[1, 1] * py + t[1, 2] * pz + t[1, 3])
            z += weight * (t[2, 0] * px + t[2, 1] * py + t[2, 2] * pz + t[2, 3])
        for r in range(3):
            placed = rotation[r, 0] * x + rotation[r, 1] * y + rotation[r, 2] * z + theta[3 + r]
            total += 0.5 * (points[i, r] - placed) ** 2
    return total


def affine_product(left, right, out):
    """Written into `out`: three rows of four, the last row of each factor being (0, 0, 0, 1)."""
    for r in range(3):
        for c in range(4):
            out[r, c] = left[r, 0] * right[0, c] + left[r, 1] * right[1, c] + left[r, 2] * right[2, c]
        out[r, 3] += left[r, 3]
