"""What to do about a TLS connection that is not trusted, by the library's own code."""

import os
import ssl


def tls_advice(error: ssl.SSLError) -> str:
    """Give what an operator does next."""
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    match code:
        case 9 | 10:  # X509_V_ERR_* of OpenSSL: not yet valid, expired
            return (
                "compare this machine's clock with true time (date -u), and set it by NTP; if it "
                "is right, the peer's certificate is old"
            )
        case 18 | 19 | 20 | 21:  # no chain to an authority that is trusted
            trusted = os.environ.get("SSL_CERT_FILE")
            now = f"SSL_CERT_FILE={trusted}" if trusted else "certifi's list"
            return (
                f"the peer's authority is not in {now}: find out what intercepts TLS here, and if "
                "it is your own, name its authority in SSL_CERT_FILE"
            )
        case 62 | 64:  # another host name, another address
            return "the certificate is for another name: check the base URL, and its name"
        case _:
            return "check that the base URL's host and port speak TLS, and what intercepts it"
