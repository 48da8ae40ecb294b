using System.Net.Http.Headers;
using k8s.Authentication;
using k8s.KubeConfigModels;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Configuration;

/// <summary>
/// A token from one of the library's sources. The library keeps a token for a minute, or until it says itself that it ends, although the
/// server refuses it, and fails a request while the token's file is missing for the moment of its replacement.
/// </summary>
/// <param name="source">What gives the token, for people.</param>
/// <param name="make">Makes a source that has not read its token yet.</param>
internal sealed class RenewableToken(string source, Func<ITokenProvider> make) : ITokenProvider
{
    private volatile ITokenProvider _provider = make();
    private volatile AuthenticationHeaderValue? _last;

    /// <summary>The token in a file that is replaced from time to time, as the kubelet does with the tokens of service accounts.</summary>
    public static RenewableToken File(string path) => new($"token file {path}", () => new TokenFileAuth(path));

    /// <summary>The token that a program prints.</summary>
    public static RenewableToken Program(ExternalExecution program) => new($"exec {program.Command}", () => new ExecTokenProvider(program));

    /// <exception cref="KubernetesException">There is no token, and there was none before.</exception>
    public async Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken)
    {
        string problem;
        var cause = default(Exception);
        try
        {
            var header = await _provider.GetAuthenticationHeaderAsync(cancellationToken);
            if (!string.IsNullOrEmpty(header.Parameter))
            {
                return _last = header;
            }

            problem = "it is empty";
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Files and programs fail in many ways.
            problem = Connection.Explain(exception);
            cause = exception;
        }

        Renew();
        return _last ?? throw new KubernetesException(StatusReason.Unauthorized, $"{source}: {problem.ReplaceLineEndings(" ")}", cause);
    }

    /// <summary>Called when the server refused the token, so that the next one is read anew.</summary>
    public void Renew() => _provider = make();
}
