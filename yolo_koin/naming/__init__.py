"""Naming the people in photos: one loop, and three ways to name behind one protocol.

``whole`` names a photo as a whole, ``faces`` every face that a face detector finds, ``detector`` the faces that an identity detector finds
and names at once. ``reader`` says where the pixels come from.
"""

from yolo_koin.naming.protocol import Namer, Seen, name_photos
from yolo_koin.naming.reader import Reader

__all__ = ["Namer", "Reader", "Seen", "name_photos"]
