using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster.Control;

/// <summary>Asks an API server whether it can be used: every one of the paths must be answered.</summary>
internal sealed class ApiProbe : IDisposable
{
    private readonly X509Certificate2 authority;
    private readonly HttpClient client;
    private readonly IReadOnlyList<string> paths;

    public ApiProbe(string? networkNamespace, Uri server, string authorityPem, string token, params IReadOnlyList<string> paths)
    {
        this.paths = paths;
        authority = X509Certificate2.CreateFromPem(authorityPem);
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            UseProxy = false,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(networkNamespace, context.DnsEndPoint, cancellationToken),
        })
        {
            BaseAddress = server,
            Timeout = TimeSpan.FromSeconds(5),
        };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var path in paths)
            {
                using var response = await client.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    return false;
                }
            }

            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose()
    {
        client.Dispose();
        authority.Dispose();
    }

    private static async ValueTask<Stream> ConnectAsync(string? networkNamespace, DnsEndPoint server, CancellationToken cancellationToken)
    {
        // A socket belongs to the namespace it was made in, whoever uses it.
        static Socket Create() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var socket = networkNamespace is null ? Create() : NetworkNamespace.Run(networkNamespace, Create);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(server.Host), server.Port), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }
}
