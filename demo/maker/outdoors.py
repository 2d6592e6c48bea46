"""Scenes under the open sky; see scenes.py."""

from __future__ import annotations

import math
import random

from .canvas import Canvas


def _meadow(c: Canvas, sky: str, horizon: str, far: str, near: str) -> None:
    c.gradient(0, 130, sky, horizon)
    c.hills(104, 14, 1.3, 0.1, far)
    c.hills(124, 12, 0.9, 0.55, near)


def _tree(c: Canvas, x: float, y: float, size: float, leaf: str = "3f7d4e") -> None:
    c.rectangle(x - size * 0.07, y - size * 0.5, size * 0.14, size * 0.5, "6b4a35")
    for dx, dy, radius in ((-0.22, -0.6, 0.25), (0.22, -0.6, 0.25), (0.0, -0.82, 0.29)):
        c.circle(x + dx * size, y + dy * size, radius * size, leaf)


def _house(c: Canvas, x: float, y: float, width: float, height: float, wall: str, roof: str) -> None:
    c.rectangle(x, y - height, width, height, wall)
    c.polygon(
        [(x - 5, y - height), (x + width / 2, y - height - width * 0.42), (x + width + 5, y - height)], roof
    )


def farm(c: Canvas) -> None:
    _meadow(c, "8ecbe8", "fde9c3", "9cc46b", "6fa84f")
    c.circle(262, 34, 17, "ffd45e")
    _house(c, 40, 104, 66, 36, "b5443c", "7d2d2d")
    c.rectangle(62, 82, 22, 22, "f3e3cf")
    c.line([(63, 83), (83, 103)], 1.5, "b5443c")
    c.line([(83, 83), (63, 103)], 1.5, "b5443c")
    c.ellipse(205, 96, 22, 12, "f7f4ee")
    c.ellipse(200, 93, 8, 6, "3d3733")
    c.ellipse(218, 99, 6, 5, "3d3733")
    c.ellipse(230, 90, 8, 6, "f7f4ee")
    c.ellipse(236, 93, 4, 3.5, "e7a99a")
    for x in (190, 198, 212, 220):
        c.rectangle(x, 104, 3.5, 13, "f7f4ee")
    for x, y in ((140, 112), (160, 117)):
        c.ellipse(x, y, 7, 5.5, "fffaf0")
        c.circle(x + 6, y - 6, 3, "fffaf0")
        c.polygon([(x + 9, y - 7), (x + 13, y - 5.5), (x + 9, y - 4.5)], "eda33b")
        c.circle(x + 6, y - 9.5, 1.6, "cf3b32")


def gate(c: Canvas) -> None:
    _meadow(c, "a9d6e5", "eaf4e4", "a3c585", "83ad62")
    c.polygon([(150, 100), (172, 100), (232, 132), (88, 132)], "cdb99a")
    for x in (36, 58, 80, 102, 214, 236, 258, 280):
        c.polygon([(x, 112), (x, 78), (x + 5, 73), (x + 10, 78), (x + 10, 112)], "f2ede2")
    for x, width in ((30, 92), (208, 92)):
        c.rectangle(x, 84, width, 4, "ddd5c4")
        c.rectangle(x, 101, width, 4, "ddd5c4")
    c.ellipse(164, 104, 15, 11, "9a6238")
    c.circle(178, 88, 9, "9a6238")
    c.ellipse(186, 91, 6.5, 4.5, "b98153")
    c.circle(191, 89.5, 2, "2d221d")
    c.circle(180, 85, 1.5, "2d221d")
    c.ellipse(171, 87, 4, 8, "734525", 15)
    for x in (154, 172):
        c.rectangle(x, 108, 4.5, 13, "9a6238")
    c.line([(150, 102), (141, 94), (138, 86)], 3.5, "9a6238")


def storm(c: Canvas) -> None:
    c.gradient(0, 130, "2b3550", "5f6f8c")
    c.hills(120, 16, 1.1, 0.3, "28384a")
    for x, y, size in (
        (70, 38, 24),
        (104, 30, 28),
        (140, 40, 24),
        (200, 36, 26),
        (236, 30, 30),
        (268, 42, 22),
    ):
        c.circle(x, y, size, "414d68")
    c.rectangle(56, 40, 230, 18, "414d68")
    c.polygon([(176, 52), (156, 88), (170, 88), (158, 118), (192, 78), (177, 78), (190, 52)], "ffe27a")
    for index in range(46):
        x, y = (index * 53) % 316, 60 + (index * 29) % 62
        c.line([(x, y), (x - 3, y + 8)], 1.0, "9db4d6")


def village(c: Canvas) -> None:
    _meadow(c, "86c5ea", "eef6f4", "93bd78", "6aa35a")
    c.rectangle(150, 44, 30, 64, "f1e7d3")
    c.polygon([(146, 44), (165, 6), (184, 44)], "8b4a3a")
    _house(c, 180, 108, 62, 34, "f1e7d3", "a65c46")
    c.circle(165, 60, 7, "5a4636")
    c.polygon([(160.5, 64), (162, 57), (168, 57), (169.5, 64)], "e0b04c")
    c.rectangle(159, 86, 12, 22, "7a5238")
    for x in (196, 214):
        c.rectangle(x, 84, 7, 13, "7fa3b8")
    _tree(c, 92, 112, 42)
    _tree(c, 276, 116, 36, "4b8a55")
    for x, y in ((60, 32), (84, 22), (248, 26), (110, 40)):
        c.line([(x - 6, y - 3), (x, y), (x + 6, y - 3)], 1.5, "35485c")


def chimes(c: Canvas) -> None:
    c.gradient(0, 130, "f7c9a0", "fbe9d0")
    c.circle(258, 60, 22, "fff3d0")
    c.hills(126, 16, 1.0, 0.2, "9bb27f")
    c.rectangle(0, 0, 320, 16, "7a5b46")
    c.line([(160, 16), (160, 32)], 1.5, "4b3a30")
    c.ellipse(160, 35, 44, 6, "5d4637")
    for index, length in enumerate((46, 58, 70, 62, 50)):
        x = 124 + index * 18
        c.line([(x, 38), (x, 50)], 1, "4b3a30")
        c.rectangle(x - 3.5, 50, 7, length, "8fb0b8")
        c.rectangle(x - 3.5, 50, 2.5, length, "b7d0d4")
    c.line([(160, 38), (160, 84)], 1, "4b3a30")
    c.circle(169, 84, 6, "5d4637")


def bicycle(c: Canvas) -> None:
    c.gradient(0, 112, "f0d9b5", "e8c99a")
    c.gradient(112, 130, "8d8a86", "77746f")
    for row in range(7):
        for x in range(-20 + (row % 2) * 15, 320, 30):
            c.rectangle(x + 1, row * 16 + 1, 28, 14, "d9a878")
    c.rectangle(208, 20, 74, 62, "6b4a35")
    c.rectangle(213, 25, 64, 52, "a9d3e0")
    c.polygon(
        [
            (245, 50),
            (228, 36),
            (240, 42),
            (246, 27),
            (250, 42),
            (266, 34),
            (256, 50),
            (268, 66),
            (248, 58),
            (234, 70),
        ],
        "31424d",
    )
    for x in (70, 142):
        c.ring(x, 96, 22, 3, "2f3640")
        c.circle(x, 96, 2.5, "2f3640")
    c.line([(70, 96), (96, 64), (132, 64), (106, 96), (70, 96)], 3.5, "d64545")
    c.line([(106, 96), (92, 56)], 3.5, "d64545")
    c.line([(142, 96), (130, 52)], 3.5, "d64545")
    c.line([(84, 55), (100, 55)], 5, "2f3640")
    c.line([(130, 52), (118, 47)], 3, "2f3640")
    c.circle(128, 46, 4.5, "f2c94c")


def stable(c: Canvas) -> None:
    c.gradient(0, 130, "b9d9e8", "f3e8cf")
    c.gradient(112, 130, "d2b684", "c2a472")
    c.rectangle(24, 22, 272, 92, "a4633f")
    c.polygon([(12, 24), (160, -18), (308, 24)], "6f3d2c")
    c.rectangle(108, 36, 104, 78, "3a2620")
    c.rectangle(100, 84, 120, 32, "c58a55")
    c.rectangle(100, 84, 120, 4, "8f5c37")
    c.polygon([(138, 84), (146, 56), (168, 44), (180, 56), (178, 84)], "7c4a2b")
    c.ellipse(188, 60, 20, 10, "7c4a2b", 28)
    c.ellipse(201, 67, 7, 6, "93623f", 28)
    c.polygon([(164, 46), (166, 32), (174, 44)], "7c4a2b")
    c.line([(140, 78), (147, 58), (164, 43)], 6, "2d1c15")
    c.circle(180, 53, 1.8, "1c120d")
    c.circle(204, 66, 1.3, "1c120d")
    for x in (40, 236):
        c.rectangle(x, 46, 44, 34, "f0dfba")
        c.line([(x, 63), (x + 44, 63)], 2, "a4633f")
        c.line([(x + 22, 46), (x + 22, 80)], 2, "a4633f")


def crow(c: Canvas) -> None:
    c.gradient(0, 130, "c9cfd8", "f1e3c6")
    c.hills(112, 10, 1.2, 0.4, "cfae63")
    c.hills(130, 14, 0.8, 0.1, "b8924a")
    for x in range(8, 320, 18):
        c.line([(x, 130), (x + 3, 118)], 1.2, "9a7636")
    c.line([(64, 78), (256, 84)], 5, "7d6450")
    for x in (96, 220):
        c.rectangle(x, 62, 8, 66, "6b5543")
    c.ellipse(160, 60, 24, 13, "23252d", 18)
    c.circle(140, 45, 10, "23252d")
    c.polygon([(133, 40), (114, 45), (133, 46)], "3a3d47")
    c.polygon([(133, 47), (117, 53), (134, 51)], "3a3d47")
    c.polygon([(176, 62), (206, 80), (172, 74)], "23252d")
    c.circle(138, 43, 1.8, "f2f2f2")
    c.line([(156, 72), (155, 80)], 1.8, "23252d")
    c.line([(164, 73), (164, 80)], 1.8, "23252d")


def campfire(c: Canvas) -> None:
    c.gradient(0, 130, "10162e", "2c3157")
    stars = random.Random(7)
    for _ in range(40):
        c.circle(stars.uniform(0, 320), stars.uniform(0, 78), stars.uniform(0.5, 1.0), "e9ecff")
    c.hills(126, 14, 1.0, 0.35, "1a2b28")
    for x, size in ((24, 84), (60, 64), (272, 74), (304, 92)):
        c.polygon([(x - size * 0.25, 116), (x, 116 - size), (x + size * 0.25, 116)], "14231f")
    c.ellipse(134, 118, 54, 9, "4a3b2c")
    c.polygon([(110, 116), (114, 92), (122, 100), (132, 66), (146, 98), (153, 88), (158, 116)], "f0782a")
    c.polygon([(120, 116), (126, 98), (133, 82), (142, 102), (148, 116)], "ffd05a")
    c.line([(104, 118), (164, 112)], 6, "6b4326")
    c.line([(104, 112), (164, 118)], 6, "7d5130")
    c.polygon([(204, 118), (210, 112), (252, 112), (258, 118)], "7a4a24")
    c.line([(214, 112), (252, 44)], 6, "b8792f")
    c.line([(214, 112), (206, 62), (212, 50), (226, 52), (238, 56), (252, 44)], 5, "d99a45")
    for step in range(1, 7):
        share = step / 7.5
        foot_x, foot_y = 214 + 34 * share, 112 - 61 * share
        c.line([(foot_x, foot_y), (foot_x, 56 + 2 * math.sin(3 * share))], 0.7, "f6ead0")
    c.circle(252, 44, 4.5, "e5b25c")


def quarry(c: Canvas) -> None:
    c.gradient(0, 130, "d8c7a8", "efe0c2")
    c.polygon([(0, 40), (60, 40), (70, 66), (120, 66), (128, 92), (180, 92), (188, 130), (0, 130)], "a98c6a")
    c.polygon([(320, 52), (276, 52), (266, 84), (236, 84), (228, 130), (320, 130)], "94795a")
    c.gradient(116, 130, "8b7356", "7b6549")
    for x, y, radius in (
        (196, 92, 20),
        (222, 84, 24),
        (208, 62, 24),
        (184, 72, 16),
        (236, 60, 16),
        (214, 40, 17),
    ):
        c.circle(x, y, radius, "cfc6ba")
    c.polygon(
        [
            (210, 60),
            (217, 80),
            (238, 72),
            (226, 90),
            (244, 104),
            (221, 101),
            (212, 122),
            (204, 102),
            (180, 106),
            (198, 91),
            (184, 74),
            (204, 80),
        ],
        "f28c28",
    )
    c.circle(212, 92, 9, "ffe07a")
    for x, y, size in ((150, 44, 5), (256, 34, 4), (168, 24, 4), (246, 18, 3), (276, 66, 4)):
        c.polygon([(x, y - size), (x + size, y), (x, y + size), (x - size * 1.3, y + 1)], "7b6549")
