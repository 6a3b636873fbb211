from gpiozero.pins.pigpio import PiGPIOFactory

from firmware.hardware.pins import GpioPins
from hil_tests.desk.pins import Board, PinServer


def test_gpiozero_drives_the_lamp_and_senses_its_current() -> None:
    with PinServer(Board()) as server:
        factory = PiGPIOFactory("127.0.0.1", server.port)
        with GpioPins(factory) as pins:
            pins.drive(high=True)
            assert pins.senses_current()
            pins.drive(high=False)
            assert not pins.senses_current()
        factory.close()
