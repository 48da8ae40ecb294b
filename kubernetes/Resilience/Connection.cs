using System.Security.Authentication;

namespace OnCache.Kubernetes.Resilience;

/// <summary>What a failed connection means.</summary>
internal static class Connection
{
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
