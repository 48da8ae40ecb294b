using System.Net.Sockets;
using System.Security.Authentication;
using Polly.Timeout;

namespace OnCache.Kubernetes.Resilience;

/// <summary>What a failed connection means.</summary>
internal static class Connection
{
    /// <summary>
    /// Whether <paramref name="exception"/> says that no answer came; connections cut at an odd moment end in a bare socket error.
    /// </summary>
    public static bool IsFailure(Exception exception) =>
        exception is HttpRequestException or IOException or SocketException or TimeoutRejectedException;

    /// <summary>Whether trying again is pointless: a certificate that is not trusted stays so.</summary>
    public static bool IsPermanent(Exception exception) => exception is HttpRequestException { InnerException: AuthenticationException };

    /// <summary>The innermost words, which name the cause; the outer ones repeat the address.</summary>
    public static string Explain(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception.Message;
    }
}
