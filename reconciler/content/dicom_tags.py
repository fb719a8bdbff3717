"""DICOM attributes that tell who somebody is, by name and number. Pure.

Source: DICOM PS3.6 (names and numbers); PS3.15 Table E.1-1 (what its basic profile removes) for the choice: names,
numbers, addresses and dates of birth of patients, and the names of those who treat them. Dates of studies, UIDs
and descriptions, which the profile removes as well, are left to other tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

IDENTITY_REMOVED = 0x00120062
ROWS, COLUMNS = 0x00280010, 0x00280011

# Attributes that are looked at unless a rule names others.
IDENTIFYING: Mapping[str, int] = {
    "AccessionNumber": 0x00080050,
    "InstitutionAddress": 0x00080081,
    "ReferringPhysicianName": 0x00080090,
    "ReferringPhysicianAddress": 0x00080092,
    "ReferringPhysicianTelephoneNumbers": 0x00080094,
    "ConsultingPhysicianName": 0x0008009C,
    "PhysiciansOfRecord": 0x00081048,
    "PerformingPhysicianName": 0x00081050,
    "NameOfPhysiciansReadingStudy": 0x00081060,
    "OperatorsName": 0x00081070,
    "PatientName": 0x00100010,
    "PatientID": 0x00100020,
    "PatientBirthDate": 0x00100030,
    "PatientBirthTime": 0x00100032,
    "OtherPatientIDs": 0x00101000,
    "OtherPatientNames": 0x00101001,
    "PatientBirthName": 0x00101005,
    "PatientAddress": 0x00101040,
    "PatientMotherBirthName": 0x00101060,
    "MedicalRecordLocator": 0x00101090,
    "PatientTelephoneNumbers": 0x00102154,
    "PatientTelecomInformation": 0x00102155,
    "ResponsiblePerson": 0x00102297,
    "PersonTelephoneNumbers": 0x00401103,
    "PersonAddress": 0x00401102,
    "RequestingPhysician": 0x00321032,
    "ScheduledPerformingPhysicianName": 0x00400006,
    "HumanPerformerName": 0x00404037,
    "NamesOfIntendedRecipientsOfResults": 0x00401010,
    "OrderEnteredBy": 0x00402008,
    "VerifyingObserverName": 0x0040A075,
    "PersonName": 0x0040A123,
    "AdmissionID": 0x00380010,
    "PatientInstitutionResidence": 0x00380400,
}
# Others that a rule can name.
OTHERS: Mapping[str, int] = {
    "DeviceSerialNumber": 0x00181000,
    "InstitutionName": 0x00080080,
    "StationName": 0x00081010,
    "StudyDescription": 0x00081030,
    "SeriesDescription": 0x0008103E,
    "InstitutionalDepartmentName": 0x00081040,
    "StudyDate": 0x00080020,
    "SeriesDate": 0x00080021,
    "AcquisitionDate": 0x00080022,
    "ContentDate": 0x00080023,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SOPInstanceUID": 0x00080018,
    "StudyID": 0x00200010,
    "PatientSex": 0x00100040,
    "PatientAge": 0x00101010,
    "PatientSize": 0x00101020,
    "PatientWeight": 0x00101030,
    "MilitaryRank": 0x00101080,
    "BranchOfService": 0x00101081,
    "CountryOfResidence": 0x00102150,
    "RegionOfResidence": 0x00102152,
    "EthnicGroup": 0x00102160,
    "Occupation": 0x00102180,
    "PatientComments": 0x00104000,
    "PatientReligiousPreference": 0x001021F0,
    "AdditionalPatientHistory": 0x001021B0,
    "ImageComments": 0x00204000,
}
KNOWN: Mapping[str, int] = {**IDENTIFYING, **OTHERS}
_NAMES = {number: name for name, number in KNOWN.items()}
_NUMBER = re.compile(r"\(?([0-9A-Fa-f]{4}),? ?([0-9A-Fa-f]{4})\)?")


def tag_number(text: str) -> int | None:
    """The number of an attribute written as its name, `0010,0010`, `(0010,0010)` or `00100010`; None for others."""
    if text in KNOWN:
        return KNOWN[text]
    match = _NUMBER.fullmatch(text)
    return int(match[1] + match[2], 16) if match else None


def tag_numbers(texts: Iterable[str]) -> frozenset[int]:
    """The numbers of attributes; texts that name none are passed over."""
    return frozenset(number for text in texts if (number := tag_number(text)) is not None)


def tag_name(number: int) -> str:
    """How an attribute is told to people."""
    shown = f"({number >> 16:04X},{number & 0xFFFF:04X})"
    return f"{_NAMES[number]} {shown}" if number in _NAMES else shown
